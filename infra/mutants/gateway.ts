// The gateway's rules of PROTOCOL.md, section 11, each switched off.
import { off } from './mutant.ts';

const gate = (script: string) => `gateway/src/outbound/gate/${script}.lua`;
const domain = (story: string) => `gateway/src/domain/${story}.ts`;
const outbound = (role: string) => `gateway/src/outbound/${role}.ts`;

export const gateway = [
  off('2', '202 after the confirm', domain('place-order'), {
    find: 'const published = await queue.publish(command);',
    replace: `const published = await Promise.race([queue.publish(command), 'confirmed' as const]);`,
    suite: 'gateway/truth-queued',
    test: 'no 202 before the broker has confirmed, and 504 when the confirm does not come in time',
  }),
  off('4', 'a rebuilt gate has a record for each unit held', outbound('inventory'), {
    find: 'reservations: answer.reservations',
    replace: 'reservations: []',
    suite: 'gateway/reopen',
    test: 'the gate is lost while an order is being charged: its ticket comes back when it is declined',
  }),
  off('5', 'process in the guard of admit', gate('admit'), {
    find: 'if gate[1] ~= ARGV[1] or gate[2] ~= ARGV[2] then',
    replace: 'if gate[2] ~= ARGV[2] then',
    suite: 'gateway/gate-lost',
    test: 'an older copy of the gate admits, refuses and claims nothing, until it is opened anew',
  }),
  off('5', 'the name of a Redis process is forgotten with its connection', outbound('redis'), {
    find: `  client.on('close', () => {
    process = undefined;
  });`,
    suite: 'gateway/gate-lost',
    test: 'between the reconnect and the moment when Redis has said who it is, nobody gets in',
  }),
  off('5', 'a gate of another Redis process is opened anew', domain('open-gate'), {
    find: '!state?.current ||',
    replace: '!state ||',
    suite: 'gateway/reopen',
    test: 'a gate of another Redis process is an older copy: it is opened anew',
  }),
  off('6', 'guard on claim', gate('claim'), {
    find: 'if gate[1] ~= ARGV[1] then return {} end',
    suite: 'gateway/gate-settle',
    test: 'claim hands out nothing from a gate of another Redis, and claims nothing',
  }),
  off('6', 'guard on refuse', gate('refuse'), {
    find: 'if gate[1] ~= ARGV[1] or gate[2] ~= ARGV[2] then return 0 end',
    suite: 'gateway/gate-admit',
    test: 'refuse does nothing in a gate of another Redis or of another epoch',
  }),
  off('7', 'anyone fences and opens anew', domain('open-gate'), {
    find: '!state?.current || state.epoch !== sale.epoch',
    replace: 'sale.epoch === 0 && !state',
    suite: 'gateway/reopen',
    test: 'queued: whoever fenced the gate and died before opening it is succeeded by anybody',
  }),
  off('8', 'flip once for each epoch', domain('open-gate'), {
    find: 'await ports.gate.flip(snapshot);',
    replace: 'await ports.gate.flip(snapshot).catch(() => ports.gate.flip(snapshot));',
    suite: 'gateway/reopen-rules',
    test: 'a flip with an unknown outcome is not sent again: the next round fences anew',
  }),
  off('9', 'give-back by the owner entry, not by a pending record', gate('settle-ended'), {
    find: `local record = cjson.decode(redis.call('HGET', KEYS[3], ARGV[1]))`,
    replace: `local record = cjson.decode(redis.call('HGET', KEYS[3], ARGV[1]))
if record.state == 'sold' then return 0 end`,
    suite: 'gateway/gate-settle',
    test: 'an order that ended gives its tickets back, from whatever state it is in, in any epoch',
  }),
  off('9', 'only the owner gives back, once', gate('settle-ended'), {
    find: `if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[1] then return 0 end`,
    replace: `if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 0 then return 0 end`,
    suite: 'gateway/gate-settle',
    test: 'an end gives nothing back of the order that the buyer has now',
  }),
  off('10', 'sold is restored as sent, and asked about', outbound('gate'), {
    find: `JSON.stringify({ state: 'sent', claimed: false, quantity, buyerId })`,
    replace: `JSON.stringify({ state: 'sold', claimed: false, quantity, buyerId })`,
    suite: 'gateway/gate-flip',
    test: 'a flip restores each held and each sold unit as a record that is asked about at once',
  }),
  off('11', 'settle(confirmed) by epoch', gate('settle-confirmed'), {
    find: `if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return 0 end`,
    suite: 'gateway/gate-settle',
    test: 'a confirmation that speaks of another epoch settles nothing, and one without a record makes none',
  }),
  off('11', 'an event speaks of the gate of its own epoch', 'gateway/src/stories.ts', {
    find: 'settle: (event: OrderEvent) => settle(event, event.epoch)',
    replace: 'settle: async (event: OrderEvent) => settle(event, (await gate.read([event.saleId]))[0]?.epoch ?? 0)',
    suite: 'gateway/settle',
    test: 'a confirmation of an earlier gate settles nothing in this one',
  }),
  off('12', 'refuse only if never claimed', gate('refuse'), {
    find: `if record.state ~= 'unsent' or record.claimed then return 0 end`,
    replace: `if record.state ~= 'unsent' then return 0 end`,
    suite: 'gateway/gate-admit',
    test: 'refuse does nothing once the order was sent, or claimed by a sweeper that may have sent it',
  }),
  off('13', 'PlaceOrder is one attempt', outbound('orders'), {
    find: `const placing = connectTo(OrdersServiceClient, config.ORDERS_ADDRESS, { retries: 'never' });`,
    replace: `const placing = connectTo(OrdersServiceClient, config.ORDERS_ADDRESS, { retries: 'idempotent' });`,
    suite: 'gateway/truth-direct',
    test: 'an attempt that fails after it was delivered is not made again: a later shed would give a living order back',
  }),
  off('24', 'a change by revision', gate('change'), {
    find: 'if not gate[1] or tonumber(gate[1]) >= tonumber(ARGV[1]) then return 0 end',
    replace: 'if not gate[1] then return 0 end',
    suite: 'gateway/gate-flip',
    test: 'a change adds what the stock grew by; late, repeated and reordered ones do no harm',
  }),
  off('24', 'whoever looks brings the gate to the revision of its sale', domain('watch-sales'), {
    find: 'await ports.gate.change(sale);',
    replace: 'continue;',
    suite: 'gateway/reopen',
    test: 'more stock reaches the gate once, whoever brings it, and a closed sale closes',
  }),
  off('25', 'admit is sent once by the handler', domain('place-order'), {
    find: 'const admission = await gate.admit(command, ports.dueInMs.queued, idempotencyKey);',
    replace: `let admission = await gate.admit(command, ports.dueInMs.queued, idempotencyKey);
  if (admission.kind === 'unknown') admission = await gate.admit(command, ports.dueInMs.queued, idempotencyKey);`,
    suite: 'gateway/truth-queued',
    test: 'an admit whose answer is lost is sent once: 504, and its ticket is accounted for',
  }),
  off('25', 'admit is sent once by the client', outbound('redis'), {
    find: `autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,`,
    replace: 'autoResendUnfulfilledCommands: true,',
    suite: 'gateway/gate-lost',
    test: 'an admit that was cut off is never sent again',
  }),
  off('26', 'markSent never creates', gate('mark-sent'), {
    find: 'if not text then return 0 end',
    replace: `if not text then text = '{"state":"unsent","quantity":1,"buyerId":"ghost"}' end`,
    suite: 'gateway/gate-admit',
    test: 'markSent never brings a record back: an order that ended stays away, a sold one stays sold',
  }),
  off('26', 'settle never creates', gate('settle-confirmed'), {
    find: 'if not text then return 0 end',
    replace: `if not text then text = '{"state":"sent","quantity":1,"buyerId":"ghost"}' end`,
    suite: 'gateway/gate-settle',
    test: 'a confirmation that speaks of another epoch settles nothing, and one without a record makes none',
  }),
  off('26', 'the view keeps the highest version', 'gateway/src/outbound/show.lua', {
    find: 'if old and cjson.decode(old).version >= tonumber(ARGV[1]) then return 0 end',
    suite: 'gateway/gate-settle',
    test: 'the view keeps the highest version, in whatever order its versions come',
  }),
  off('tombstone', 'tombstone before give-up', domain('sweep'), {
    find: 'const order = await ports.orders.cancel(command ?? unheardOf);',
    replace: `const order = { ...unheardOf, status: 'cancelled', settled: true, version: 1 } as OrderAnswer;`,
    suite: 'gateway/sweep',
    test: 'a direct order that never arrived is ended before its ticket comes back, and stays ended when it arrives after all',
  }),
  off('asking', 'asking about sent records', domain('sweep'), {
    find: 'const asked = records.filter((record) => !unsent.includes(record));',
    replace: 'const asked: DueRecord[] = [];',
    suite: 'gateway/sweep',
    test: 'a confirmed event that is lost is asked for',
  }),
  off('flip', 'flip only over a lower epoch', gate('flip'), {
    find: 'if epoch and tonumber(epoch) >= tonumber(ARGV[2]) then',
    replace: 'if false then',
    suite: 'gateway/gate-flip',
    test: 'a flip never replaces a gate of the same or a later epoch',
  }),
  off('flip', 'never a flip of a part', gate('flip'), {
    find: `if redis.call('HLEN', KEYS[6]) ~= tonumber(ARGV[9]) or redis.call('HLEN', KEYS[7]) ~= tonumber(ARGV[9])`,
    replace: 'if false',
    suite: 'gateway/gate-flip',
    test: 'a flip whose records were staged only in part does nothing',
  }),
  off('503', 'room before admit', domain('place-order'), {
    find: `if (!cap.enter()) return { kind: 'busy' };`,
    replace: 'cap.enter();',
    suite: 'gateway/place-rules',
    test: 'both: without room there is no admit',
  }),
  off('503', 'somebody to call before admit', domain('place-order'), {
    find: `if (!orders.available()) return { kind: 'busy' };`,
    suite: 'gateway/place-rules',
    test: 'both: without room there is no admit',
  }),
  off('503', 'what could not be given back is unknown', domain('place-order'), {
    find: `return refused ? { kind: 'busy' } : { kind: 'unknown', orderId: command.orderId };`,
    replace: `return refused ? { kind: 'busy' } : { kind: 'busy' };`,
    suite: 'gateway/place-rules',
    test: 'queued: what no queue took is busy if the gate could give it back, and else unknown',
  }),
  off('key', 'the same key is the same order', gate('admit'), {
    find: `if before then return {'repeated', before} end`,
    suite: 'gateway/gate-admit',
    test: 'the same key again is told of the first order, even when the gate has nothing more to give',
  }),
  off('key', 'refusals are not remembered', gate('refuse'), {
    find: `if record.key then redis.call('HDEL', KEYS[6], record.key) end`,
    suite: 'gateway/gate-admit',
    test: 'an order that is refused is forgotten with its key and its place in line',
  }),
  off('line', 'who has a result is not in line', gate('settle-confirmed'), {
    find: `redis.call('ZREM', KEYS[4], ARGV[1])`,
    suite: 'gateway/gate-admit',
    test: 'the line is in the order of admission, and who leaves it lets everybody behind move up',
  }),
  off('told', 'a result is shown before it is told', domain('follow-order'), {
    find: 'if (result) await views.show(result).catch(() => undefined);',
    suite: 'gateway/follow-order',
    test: 'a result is shown before it is told, and one that cannot be shown is told all the same',
  }),
  off('told', 'news concerns its own buyer only', domain('news'), {
    find: 'if (view.buyerId !== buyerId ||',
    replace: 'if (',
    suite: 'gateway/follow-order',
    test: 'of two results the newer counts, and another order’s or another buyer’s is none of ours',
  }),
  off('sold out', 'sold out is looked at again', domain('catalogue'), {
    find: 'if (tickets > 0) empty.delete(saleId);',
    replace: 'if (tickets > 0) return;',
    suite: 'gateway/sale-changes',
    test: 'a sold-out sale that gets more units sells them, at every gateway',
  }),
];
