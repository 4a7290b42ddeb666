// The gate's scripts on a real Redis: applying what is final, and the buyer's view.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIEW_KEYS } from '@flashsale/contracts/keys';
import { UNDECIDED } from '../src/domain/order-view.ts';
import type { OrderView } from '../src/domain/ports.ts';
import { anOrder, aSale, openGates } from './gates.ts';

const gates = await openGates();
const { gate, views, observer, open, admitted, read, tickets, stateOf, keysOf } = gates;

test('a confirmed order keeps its tickets, waits no longer and drops its command, once or ten times', async () => {
  const sale = await open(5);
  const order = await admitted(sale, 'alice', 2);
  await Promise.all(Array.from({ length: 10 }, () => gate.applyConfirmed(sale.id, order.orderId, 1)));
  const { records, due, buyers, waiting } = await read(sale.id);
  assert.deepEqual([await tickets(sale.id), records.get(order.orderId)?.state, due.size], [3, 'sold', 0]);
  assert.deepEqual([buyers.get('alice'), waiting.length], [order.orderId, 0]);
  assert.doesNotMatch((await observer.hget(gates.keyOf(sale, 'orders'), order.orderId)) as string, /deadlineMs/);
});

test('a confirmation that speaks of another epoch changes nothing, and one without a record makes none', async () => {
  const sale = await open(2, { epoch: 2 });
  const order = await admitted(sale, 'alice');
  await gate.applyConfirmed(sale.id, order.orderId, 1);
  await gate.applyConfirmed(sale.id, order.orderId, 3);
  assert.equal(await stateOf(order), 'unsent');
  await gate.applyConfirmed(sale.id, anOrder(sale, 'bob').orderId, 2);
  assert.equal((await read(sale.id)).records.size, 1);
});

test('an order that ended gives its tickets back, also after it was sold, in any epoch', async () => {
  const sale = await open(6, { epoch: 7 });
  const [unsent, sent, sold] = [await admitted(sale, 'a'), await admitted(sale, 'b', 2), await admitted(sale, 'c', 3)];
  await gate.markSent(sent);
  await gate.applyConfirmed(sale.id, sold.orderId, 7);
  for (const [order, left] of [
    [sold, 3],
    [sent, 5],
    [unsent, 6],
  ] as const) {
    await gate.applyEnded({ ...order, quantity: 99 });
    assert.equal(await tickets(sale.id), left, 'the quantity of the record counts');
  }
  const { records, buyers, due } = await read(sale.id);
  assert.deepEqual([records.size, buyers.size, due.size], [0, 0, 0]);
});

test('the same end applied ten times, from four gateways at once, gives back once', async () => {
  const sale = await open(4);
  const [order, other] = [await admitted(sale, 'alice', 2), await admitted(sale, 'bob')];
  const four = [gate, ...(await Promise.all([gates.connect(), gates.connect(), gates.connect()])).map((it) => it.gate)];
  await Promise.all(Array.from({ length: 10 }, (_, i) => four[i % 4]?.applyEnded(order)));
  assert.equal(await tickets(sale.id), 3);
  assert.equal(await stateOf(other), 'unsent');
});

test('an end gives nothing back of the order that the buyer has now', async () => {
  const sale = await open(2);
  const first = await admitted(sale, 'alice');
  await gate.applyEnded(first);
  const second = await admitted(sale, 'alice', 2);
  await gate.applyEnded(first);
  await gate.applyEnded({ ...second, buyerId: 'bob' });
  assert.deepEqual([await tickets(sale.id), await stateOf(second)], [0, 'unsent']);
  const nowhere = anOrder(aSale(1), 'alice');
  await gate.applyEnded(nowhere);
  assert.deepEqual(await keysOf(nowhere.saleId), []);
});

const viewOf = (orderId: string, version: number, status: OrderView['status']): OrderView => ({
  ...UNDECIDED,
  ...anOrder(aSale(1), 'alice'),
  ...{ orderId, status, version },
});

test('the view keeps the highest version, in whatever order its versions come', async () => {
  const { orderId } = anOrder(aSale(1), 'alice');
  const statusAfter = async (version: number, status: OrderView['status']) => {
    await views.show(viewOf(orderId, version, status));
    return (await views.find(orderId))?.status;
  };
  assert.equal(await views.find(orderId), undefined);
  assert.equal(await statusAfter(2, 'confirmed'), 'confirmed');
  assert.equal(await statusAfter(0, 'queued'), 'confirmed');
  assert.equal(await statusAfter(4, 'cancelled'), 'cancelled');
  assert.equal(await statusAfter(3, 'confirmed'), 'cancelled');
  assert.equal(await statusAfter(12, 'expired'), 'expired');
});

test('a view is kept for a day, and for ten minutes once it is final', async () => {
  const [waiting, final] = [anOrder(aSale(1), 'alice').orderId, anOrder(aSale(1), 'alice').orderId];
  const keptMs = (orderId: string) => observer.pttl(`${VIEW_KEYS}${orderId}`);
  await views.show(viewOf(waiting, 0, 'queued'));
  await views.show(viewOf(final, 0, 'queued'));
  await views.show(viewOf(final, 2, 'confirmed'));
  const [day, minutes] = [await keptMs(waiting), await keptMs(final)];
  assert.ok(minutes > 0 && minutes <= 600_000, `final: ${minutes}`);
  assert.ok(day > 600_000 && day <= 86_400_000, `waiting: ${day}`);
});

test('a view that cannot be read is replaced by the next one', async () => {
  const { orderId } = anOrder(aSale(1), 'alice');
  await observer.set(`${VIEW_KEYS}${orderId}`, '{"version":');
  await views.show(viewOf(orderId, 1, 'reserved'));
  assert.equal((await views.find(orderId))?.status, 'reserved');
});
