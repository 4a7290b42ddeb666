// The gate's scripts on a real Redis: handing out what is due, and setting aside what cannot be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { Sale } from '../src/domain/sale.ts';
import { createGate } from '../src/outbound/gate.ts';
import { anOrder, MOST, openGates, taken } from './gates.ts';

const gates = await openGates();
const { gate, observer, open, admitted, read, tickets, dueOf, makeDue, makeOld, keyOf, now } = gates;

const idsOf = (orders: { orderId: string }[]) => orders.map(({ orderId }) => orderId).toSorted();

test('claim hands out what is due, with the epoch of the gate, and puts it off', async () => {
  const sale = await open(3, { epoch: 4 });
  const [unsent, sent, young] = [await admitted(sale, 'a'), await admitted(sale, 'b'), await admitted(sale, 'c')];
  await gate.markSent(sent);
  await Promise.all([makeDue(unsent), makeDue(sent)]);
  const before = await now();
  const { epoch, records, damaged } = await gate.claim(sale.id, MOST);
  assert.deepEqual([epoch, damaged], [4, 0]);
  const stateOf = ({ orderId }: OrderCommand) => records.find((record) => record.orderId === orderId)?.state;
  assert.deepEqual([unsent, sent, young].map(stateOf), ['unsent', 'sent', undefined]);
  for (const order of [unsent, sent]) assert.ok(((await dueOf(order)) as number) > before);
  assert.deepEqual((await gate.claim(sale.id, MOST)).records, []);
  await makeDue(unsent);
  assert.deepEqual(idsOf((await gate.claim(sale.id, MOST)).records), [unsent.orderId]);
});

async function waitsOf(sale: Sale, order: OrderCommand, claims: number, sentDueMs: number) {
  const claiming = createGate(gates.redis, sentDueMs);
  const waits: number[] = [];
  for (let i = 0; i < claims; i++) {
    await makeDue(order);
    const before = await now();
    await claiming.claim(sale.id, MOST);
    const [due, after] = [(await dueOf(order)) as number, await now()];
    const wait = [5, 10, 20, 30, 40, 60, 80, 120, 160, 240, 300].find(
      (seconds) => before + seconds * 1_000 <= due && due <= after + seconds * 1_000,
    );
    waits.push(wait ?? due - before);
  }
  return waits;
}

test('each check waits twice as long as the last, from 5 s when unsent and 30 s when sent, to 5 minutes', async () => {
  const sale = await open(1);
  const order = await admitted(sale, 'alice');
  assert.deepEqual(await waitsOf(sale, order, 8, 30_000), [5, 10, 20, 40, 80, 160, 300, 300]);
  await gate.markSent(order);
  assert.deepEqual(await waitsOf(sale, order, 5, 30_000), [30, 60, 120, 240, 300]);
});

test('many waiting orders that were sent do not starve what was never published', async () => {
  const sale = await open(20);
  const sent = await Promise.all(Array.from({ length: 9 }, (_, i) => admitted(sale, `sent-${i}`)));
  await Promise.all(sent.map((order) => gate.markSent(order)));
  const unsent = [await admitted(sale, 'a'), await admitted(sale, 'b')];
  await Promise.all([...sent, ...unsent].map(makeDue));
  const { records } = await gate.claim(sale.id, 2);
  assert.deepEqual(idsOf(records.filter(({ state }) => state === 'unsent')), idsOf(unsent));
  assert.equal(records.length, 4);
});

test('two sweepers never get the same record at the same time', async () => {
  const sale = await open(40);
  const orders = await Promise.all(Array.from({ length: 40 }, (_, i) => admitted(sale, `buyer-${i}`)));
  await Promise.all(orders.map(makeDue));
  const others = await Promise.all([gates.connect(), gates.connect()]);
  const all = [gate, ...others.map((other) => other.gate)];
  const claims = await Promise.all(all.map((each) => each.claim(sale.id, MOST)));
  assert.deepEqual(idsOf(claims.flatMap(({ records }) => records)), idsOf(orders));
});

test('claim hands out nothing from a gate of another Redis, and claims nothing', async () => {
  const sale = await open(1);
  const order = await admitted(sale, 'alice');
  await makeDue(order);
  const history = (await observer.hget(keyOf(sale, 'gate'), 'history')) as string;
  await makeOld(sale.id);
  assert.deepEqual(await gate.claim(sale.id, MOST), { epoch: 0, records: [], damaged: 0 });
  assert.equal(await dueOf(order), 0);
  await observer.hset(keyOf(sale, 'gate'), 'history', history);
  assert.equal(await gate.refuse(order), true);
});

test('a due entry without a record is removed, and the rest is handed out', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice');
  await makeDue(order);
  for (const due of ['unsent', 'sent'] as const) await observer.zadd(keyOf(sale, due), 0, 'nonsense');
  const { records, damaged } = await gate.claim(sale.id, MOST);
  assert.deepEqual([idsOf(records), damaged], [[order.orderId], 0]);
  assert.deepEqual([...(await read(sale.id)).due.keys()], [order.orderId]);
});

/** Values that may stand in a record's place after a fault, or an operator's hand. */
const damages = {
  'not JSON': () => '{"state":"unsent","quantity":2',
  'no object': () => '17',
  'no buyer': () => JSON.stringify({ state: 'sent', quantity: 2 }),
  'no known state': () => JSON.stringify({ state: 'lost', quantity: 2, buyerId: 'alice' }),
  'a command that cannot be read': (record: object) => JSON.stringify({ ...record, command: '{"epoch":' }),
  'a command without a deadline': (record: object) => JSON.stringify({ ...record, command: '{"epoch":1}' }),
};

for (const [name, damage] of Object.entries(damages)) {
  test(`a damaged record (${name}) is moved aside alone and counted, and its end gives its tickets back`, async () => {
    const sale = await open(5);
    const [order, other] = [await admitted(sale, 'alice', 2), await admitted(sale, 'bob')];
    const record = JSON.parse((await observer.hget(keyOf(sale, 'orders'), order.orderId)) as string);
    await observer.hset(keyOf(sale, 'orders'), order.orderId, damage(record));
    await Promise.all([makeDue(order), makeDue(other)]);

    const { records, damaged } = await gate.claim(sale.id, MOST);
    assert.deepEqual([idsOf(records), damaged], [[other.orderId], 1]);
    assert.deepEqual(await observer.hkeys(keyOf(sale, 'damaged')), [order.orderId]);
    assert.equal(await observer.hexists(keyOf(sale, 'orders'), order.orderId), 0);
    assert.deepEqual([await gate.absent(order, 1), await gate.stateOf(order)], [false, 'sent']);
    await makeDue(order);
    assert.equal((await gate.claim(sale.id, MOST)).damaged, 0);

    await gate.applyEnded(order);
    const { tickets, buyers, waiting } = await read(sale.id);
    assert.deepEqual([tickets, buyers.has('alice'), waiting], [4, false, [other.orderId]]);
    assert.equal(await gate.absent(order, 1), true);
  });
}

test('a record that is damaged and not yet set aside stops no other script', async () => {
  const sale = await open(3);
  const order = await admitted(sale, 'alice', 2);
  await observer.hset(keyOf(sale, 'orders'), order.orderId, 'nonsense');
  await gate.markSent(order);
  await gate.applyConfirmed(sale.id, order.orderId, 1);
  await gate.joinWaiting(order);
  assert.deepEqual([await gate.refuse(order), await gate.stateOf(order)], [false, 'sent']);
  assert.equal(await gate.absent(order, 1), false);
  await gate.applyEnded(order);
  assert.equal(await tickets(sale.id), 3);
});

test('a record that is lost gives back the quantity of the event', async () => {
  const sale = await open(3);
  const order = await admitted(sale, 'alice', 2);
  await observer.hdel(keyOf(sale, 'orders'), order.orderId);
  await gate.applyEnded(order);
  assert.equal(await tickets(sale.id), 3);
});

test('a field that a newer gateway added is kept and does no harm', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice');
  const key = keyOf(sale, 'orders');
  const record = JSON.parse((await observer.hget(key, order.orderId)) as string);
  const command = JSON.stringify({ ...JSON.parse(record.command), gift: true });
  await observer.hset(key, order.orderId, JSON.stringify({ ...record, command, later: 1 }));
  await makeDue(order);
  assert.deepEqual((await gate.claim(sale.id, MOST)).records[0]?.command, order);
  const kept = JSON.parse((await observer.hget(key, order.orderId)) as string);
  assert.deepEqual([JSON.parse(kept.command).gift, kept.later], [true, 1]);
});

test('a restored order is checked like any other, without a command', async () => {
  const held = taken('alice', 2);
  const sale = await open(5, {}, [held]);
  const { records } = await gate.claim(sale.id, MOST);
  assert.deepEqual(records, [{ ...held, state: 'sent' }]);
  await gate.applyConfirmed(sale.id, held.orderId, 1);
  assert.equal(await gate.stateOf({ saleId: sale.id, orderId: held.orderId }), 'sold');
  assert.equal(await gate.stateOf(anOrder(sale, 'bob')), null);
});
