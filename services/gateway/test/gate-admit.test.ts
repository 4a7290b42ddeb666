// The gate's scripts on a real Redis: admitting an order, marking it as sent, taking it back unsent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import { ANY_TIME, anOrder, aSale, DUE_MS, MOST, openGates, SENT_DUE_MS } from './gates.ts';

const gates = await openGates();
const { gate, open, admitted, read, tickets, stateOf, dueOf, makeDue, makeOld, keysOf, now } = gates;

const kindOf = async (order: OrderCommand, options = {}) => (await gate.admit(order, { ...ANY_TIME, ...options })).kind;

test('admit takes the tickets, remembers the buyer and stores the order with its command', async () => {
  const sale = await open(10);
  const order = anOrder(sale, 'alice', 3);
  const before = await now();
  assert.deepEqual(await gate.admit(order, ANY_TIME), { kind: 'admitted', position: 1 });
  const after = await now();

  const state = await read(sale.id);
  assert.deepEqual([state.tickets, state.buyers.get('alice')], [7, order.orderId]);
  const due = state.dueUnsent.get(order.orderId) as number;
  assert.ok(before + DUE_MS <= due && due <= after + DUE_MS, `due ${due - before} ms later`);
  await makeDue(order);
  const { records } = await gate.claim(sale.id, MOST);
  const { orderId } = order;
  assert.deepEqual(records, [{ orderId, buyerId: 'alice', quantity: 3, state: 'unsent', command: order }]);
});

test('the same order again is admitted and changes nothing, whatever became of it', async () => {
  const sale = await open(10);
  const order = await admitted(sale, 'alice', 2);
  const before = await read(sale.id);
  assert.deepEqual(await gate.admit(order, ANY_TIME), { kind: 'admitted', position: 1 });
  assert.deepEqual({ ...(await read(sale.id)), nowMs: 0 }, { ...before, nowMs: 0 });
  await gate.applyConfirmed(sale.id, order.orderId, 1);
  assert.deepEqual(await gate.admit(order, ANY_TIME), { kind: 'admitted', position: 0 });
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [8, 'sold']);
});

test('a buyer with an order gets its id, and nothing is taken', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice', 2);
  const outcome = { kind: 'already-bought', orderId: order.orderId };
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), ANY_TIME), outcome);
  await gate.applyConfirmed(sale.id, order.orderId, 1);
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), ANY_TIME), outcome);
  assert.equal((await read(sale.id)).records.size, 1);
});

test('a quantity is taken whole or not at all, and the last ticket goes', async () => {
  const sale = await open(3);
  await admitted(sale, 'alice', 2);
  assert.equal(await kindOf(anOrder(sale, 'bob', 2)), 'sold-out');
  await admitted(sale, 'bob', 1);
  assert.equal(await kindOf(anOrder(sale, 'carol', 1)), 'sold-out');
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).buyers.has('carol')], [0, false]);
});

test('outside its window and when it is closed a gate admits no order, by the clock of Redis', async () => {
  const time = await now();
  const early = await open(1, { opensAtMs: time + 60_000 });
  const late = await open(1, { closesAtMs: time });
  const closed = await open(1, { closed: true });
  assert.equal(await kindOf(anOrder(early, 'alice')), 'not-open');
  assert.equal(await kindOf(anOrder(late, 'alice')), 'closed');
  assert.equal(await kindOf(anOrder(closed, 'alice')), 'closed');
  for (const { id } of [early, late, closed]) assert.equal((await read(id)).records.size, 0);
});

test('without a gate, with one of another epoch or of another Redis, admit is unavailable and writes nothing', async () => {
  const sale = await open(1);
  const nowhere = anOrder(aSale(1), 'alice');
  assert.equal(await kindOf(nowhere), 'unavailable');
  for (const epoch of [0, 2]) assert.equal(await kindOf({ ...anOrder(sale, 'alice'), epoch }), 'unavailable');
  await makeOld(sale.id);
  assert.equal(await kindOf(anOrder(sale, 'alice')), 'unavailable');
  assert.deepEqual([(await read(sale.id)).records.size, await tickets(sale.id)], [0, 1]);
  assert.deepEqual(await keysOf(nowhere.saleId), []);
});

test('an admit that comes after its time, by the clock of Redis, is unavailable and takes nothing', async () => {
  const sale = await open(1);
  const order = anOrder(sale, 'alice');
  assert.equal(await kindOf(order, { untilMs: (await now()) - 1 }), 'unavailable');
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).records.size], [1, 0]);
  assert.equal(await kindOf(order, { untilMs: (await now()) + 60_000 }), 'admitted');
});

test('markSent makes an unsent record sent, moves it to the other set and puts its time off, once', async () => {
  const sale = await open(1);
  const order = await admitted(sale, 'alice');
  const before = await now();
  await gate.markSent(order);
  const { dueUnsent, dueSent, records } = await read(sale.id);
  assert.deepEqual([records.get(order.orderId)?.state, dueUnsent.size], ['sent', 0]);
  const due = dueSent.get(order.orderId) as number;
  assert.ok(before + SENT_DUE_MS <= due && due <= (await now()) + SENT_DUE_MS);
  await makeDue(order);
  await gate.markSent(order);
  assert.equal(await dueOf(order), 0);
});

test('markSent never brings a record back: an order that ended stays away, a sold one stays sold', async () => {
  const sale = await open(2);
  const [ended, sold] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await gate.applyEnded(ended);
  await gate.applyConfirmed(sale.id, sold.orderId, 1);
  await Promise.all([gate.markSent(ended), gate.markSent(sold)]);
  const { tickets, records, due } = await read(sale.id);
  assert.deepEqual([tickets, records.size, records.get(sold.orderId)?.state, due.size], [1, 1, 'sold', 0]);
});

test('refuse gives everything of an unsent order back, once', async () => {
  const sale = await open(5);
  const order = await admitted(sale, 'alice', 3);
  assert.equal(await gate.refuse(order), true);
  const { records, buyers, due, waiting } = await read(sale.id);
  assert.deepEqual([await tickets(sale.id), records.size, buyers.size, due.size, waiting.length], [5, 0, 0, 0, 0]);
  assert.equal(await gate.refuse(order), false);
  assert.equal(await tickets(sale.id), 5);
  await admitted(sale, 'alice');
});

test('refuse does nothing once the order was sent, or claimed by a sweeper that may have published it', async () => {
  const sale = await open(2);
  const [sent, claimed] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await gate.markSent(sent);
  await makeDue(claimed);
  await gate.claim(sale.id, MOST);
  assert.deepEqual([await gate.refuse(sent), await gate.refuse(claimed)], [false, false]);
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).records.size], [0, 2]);
});

test('refuse does nothing in a gate of another Redis or of another epoch', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice');
  assert.equal(await gate.refuse({ ...order, epoch: 2 }), false);
  await makeOld(sale.id);
  assert.equal(await gate.refuse(order), false);
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [1, 'unsent']);
});

test('the same key again returns the first order, even when the gate has nothing more to give', async () => {
  const sale = await open(2);
  const first = anOrder(sale, 'alice', 2);
  const keyed = { ...ANY_TIME, idempotencyKey: 'k' };
  assert.equal((await gate.admit(first, keyed)).kind, 'admitted');
  const repeated = { kind: 'repeated', first: { orderId: first.orderId, ...choiceOf({ quantity: 2 }) } };
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), keyed), repeated);
  await gate.change({ ...sale, revision: 2, closed: true });
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), keyed), repeated);
  assert.deepEqual(await gate.recall(first, 'k'), repeated.first);
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), keyed), { kind: 'closed' });
  assert.equal(await gate.recall(anOrder(sale, 'bob'), 'k'), null);
  await makeOld(sale.id);
  assert.equal(await gate.recall(first, 'k'), 'unavailable');
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), keyed), { kind: 'unavailable' });
});

test('an order that is refused is forgotten with its key and its place in the queue', async () => {
  const sale = await open(5);
  const order = anOrder(sale, 'alice');
  const keyed = { ...ANY_TIME, idempotencyKey: 'k' };
  await gate.admit(order, keyed);
  assert.equal(await gate.position(order), 1);
  assert.equal(await gate.refuse(order), true);
  assert.deepEqual([await gate.recall(order, 'k'), await gate.position(order)], [null, null]);
  assert.equal((await gate.admit(anOrder(sale, 'alice'), keyed)).kind, 'admitted');
});

test('orders wait in the order of admission, and one that waits no longer lets those behind move up', async () => {
  const sale = await open(5);
  const [one, two, three, four] = [
    await admitted(sale, 'one'),
    await admitted(sale, 'two'),
    await admitted(sale, 'three'),
    await admitted(sale, 'four'),
  ];
  const positions = async () => Promise.all([one, two, three, four].map((order) => gate.position(order)));
  assert.deepEqual(await positions(), [1, 2, 3, 4]);
  await gate.applyConfirmed(sale.id, one.orderId, 1);
  await gate.applyEnded(three);
  assert.deepEqual(await positions(), [null, 1, null, 2]);
  assert.deepEqual(await gate.admit(anOrder(sale, 'five'), ANY_TIME), { kind: 'admitted', position: 3 });
});

test('a reserved hold waits no longer, and again, last, when it joins; a sold or unknown order never does', async () => {
  const sale = await open(3);
  const [hold, next, sold] = [await admitted(sale, 'a'), await admitted(sale, 'b'), await admitted(sale, 'c')];
  await gate.applyConfirmed(sale.id, sold.orderId, 1);
  await gate.leaveWaiting(hold);
  assert.deepEqual([await gate.position(hold), await gate.position(next)], [null, 1]);
  await Promise.all([hold, hold, sold, anOrder(sale, 'd')].map((order) => gate.joinWaiting(order)));
  assert.deepEqual((await read(sale.id)).waiting, [next.orderId, hold.orderId]);
  assert.deepEqual(await gate.levels([sale.id, aSale(1).id]), [{ tickets: 0, waiting: 2 }, null]);
});

test('the one live order of a buyer is known to a gate of this Redis only', async () => {
  const sale = await open(2);
  const [live, ended] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await gate.applyEnded(ended);
  assert.equal(await gate.orderOf(sale.id, 'alice'), live.orderId);
  assert.equal(await gate.orderOf(sale.id, 'bob'), null);
  await makeOld(sale.id);
  assert.equal(await gate.orderOf(sale.id, 'alice'), 'unavailable');
});

test('an order is absent in a valid gate of that epoch that has no record, and in no other', async () => {
  const sale = await open(2, { epoch: 3 });
  const [known, never] = [await admitted(sale, 'alice'), anOrder(sale, 'bob')];
  assert.equal(await gate.absent(never, 3), true);
  assert.equal(await gate.absent(known, 3), false);
  for (const epoch of [2, 4]) assert.equal(await gate.absent(never, epoch), false);
  assert.equal(await gate.absent({ ...never, saleId: aSale(1).id }, 3), false);
  await makeOld(sale.id);
  assert.equal(await gate.absent(never, 3), false);
});

test('a gate that was shut admits no order, and counts as one of another Redis', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice');
  await gate.shut(sale.id, 2);
  assert.equal((await gate.read([sale.id]))[0]?.current, true);
  await gate.shut(sale.id, 1);
  assert.equal((await gate.read([sale.id]))[0]?.current, false);
  assert.equal(await kindOf(anOrder(sale, 'bob')), 'unavailable');
  await gate.applyEnded(order);
  assert.equal(await tickets(sale.id), 2);
});

test('a gate is read with its epoch, revision, stock, tickets, what waits since when, and what is pending', async () => {
  const sale = await open(4, { epoch: 5, revision: 6 });
  const [waiting, sold] = [await admitted(sale, 'alice', 2), await admitted(sale, 'bob')];
  await gate.markSent(waiting);
  await gate.applyConfirmed(sale.id, sold.orderId, 5);
  const counts = { epoch: 5, revision: 6, stock: 4, tickets: 1, current: true, waiting: 1, pending: 1 };
  const state = { ...counts, waitingSinceMs: await gates.waitingSinceMs(waiting) };
  assert.deepEqual(await gate.read([sale.id, aSale(1).id]), [state, undefined]);
  await makeOld(sale.id);
  assert.deepEqual(await gate.read([sale.id]), [{ ...state, current: false }]);
});
