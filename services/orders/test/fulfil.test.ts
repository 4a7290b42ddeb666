// Two paths, one protocol: what becomes of an order, whichever way it came, and what every store says of it afterwards.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { isFinalStatus, type OrderCommand } from '@flashsale/contracts/messages';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { type OpenSale, openEnvironment } from './environment.ts';

const { atRest, bank, broker, moneyOf, openSale, reopen, rowOf, startWorker, stockOf, unitsOf } =
  await openEnvironment();
const worker = await startWorker();

/** Each brings an order in and returns its end as its row has it. */
const paths: Record<string, (sale: OpenSale, order: OrderCommand) => Promise<string>> = {
  call: async (_sale, order) => {
    const { status, reason } = await worker.place(order);
    return reason || status;
  },
  queue: async (sale, order) => {
    await broker.publish(order);
    const { status, reason } = await until('the order is decided', async () => {
      const row = await rowOf(sale, order.orderId);
      return row && isFinalStatus(row.status) && row;
    });
    return reason || status;
  },
};

for (const [path, bring] of Object.entries(paths)) {
  test(`an order that comes by ${path} is confirmed: one row, one unit, one charge, one event`, async () => {
    const sale = await openSale(5);
    const order = anOrder(sale, { quantity: 2 });
    assert.equal(await bring(sale, order), 'confirmed');
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
    assert.equal((await moneyOf()).get(order.orderId), 'captured');
    assert.equal(broker.eventsOf(order.orderId).length, 1);
    const { decidedAtMs, deadlineMs, ...event } = broker.eventsOf(order.orderId)[0] ?? assert.fail();
    const { deadlineMs: requested, mode: _, ...command } = order;
    const outcome = { status: 'confirmed', reason: null, version: 3, amount: { amountMinor: 2_000, currency: 'EUR' } };
    assert.deepEqual(event, { ...command, ...outcome, refund: 'none' });
    assert.ok(Math.abs(Number(decidedAtMs) - Date.now()) < 60_000);
    assert.ok(Math.abs(deadlineMs - requested) < 10_000);
  });

  test(`an order that comes by ${path} and is declined gives its unit back and is not charged`, async () => {
    const sale = await openSale(1);
    const order = anOrder(sale);
    await bank.change({ declineRate: 1 });
    assert.equal(await bring(sale, order), 'declined');
    await bank.change({ declineRate: 0 });
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'declined' });
    assert.equal((await moneyOf()).get(order.orderId), 'declined');
    assert.equal((await unitsOf(sale)).get(order.orderId), 'released');
    assert.equal(broker.eventsOf(order.orderId)[0]?.refund, 'none');
    assert.equal(await bring(sale, anOrder(sale)), 'confirmed');
  });

  test(`an order that comes by ${path} too late for a unit is sold out, and the bank never receives it`, async () => {
    const sale = await openSale(2);
    const [first, second] = [anOrder(sale, { quantity: 2 }), anOrder(sale)];
    assert.equal(await bring(sale, first), 'confirmed');
    assert.equal(await bring(sale, second), 'sold_out');
    const ends = { [first.orderId]: 'confirmed', [second.orderId]: 'sold_out' };
    assert.deepEqual(await atRest(sale, 2), ends);
    assert.equal((await moneyOf()).get(second.orderId), undefined);
  });

  test(`an order of yesterday's gate that comes by ${path} is refused by today's stock`, async () => {
    const sale = await openSale(1);
    const order = anOrder(sale);
    await reopen(sale);
    assert.equal(await bring(sale, order), 'stale_epoch');
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'stale_epoch' });
    assert.equal((await stockOf(sale)).available, 1);
  });

  test(`a buyer's second order that comes by ${path} is rejected as a duplicate, with an event`, async () => {
    const sale = await openSale(5);
    const [first, other] = [anOrder(sale), anOrder(sale)];
    const second = { ...anOrder(sale), buyerId: first.buyerId };
    assert.equal(await bring(sale, first), 'confirmed');
    assert.equal(await bring(sale, second), 'duplicate');
    assert.equal(await bring(sale, other), 'confirmed');
    const ends = { [first.orderId]: 'confirmed', [second.orderId]: 'duplicate', [other.orderId]: 'confirmed' };
    assert.deepEqual(await atRest(sale, 3), ends);
    assert.equal((await unitsOf(sale)).has(second.orderId), false);
  });

  test(`a buyer whose order ended may order again by ${path}, and buys in another sale anyway`, async () => {
    const [sale, other] = [await openSale(1), await openSale(1)];
    const declined = anOrder(sale);
    const { buyerId } = declined;
    await bank.change({ declineRate: 1 });
    assert.equal(await bring(sale, declined), 'declined');
    await bank.change({ declineRate: 0 });
    await atRest(sale, 1);
    assert.equal(await bring(sale, anOrder(sale, { buyerId })), 'confirmed');
    assert.equal(await bring(other, anOrder(other, { buyerId })), 'confirmed');
  });

  test(`an order of no sale that comes by ${path} is refused`, async () => {
    const sale = { id: randomUUID(), epoch: 1 };
    assert.equal(await bring(sale, anOrder(sale)), 'unknown_sale');
  });
}

test('the same order by many calls at once is one order', async () => {
  const sale = await openSale(5);
  const order = anOrder(sale);
  const responses = await Promise.all(times(5, () => worker.place(order)));
  for (const { orderId, status } of responses) assert.deepEqual([orderId, status], [order.orderId, 'confirmed']);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('the id that the gate gave is the one that inventory, bank, row and event know', async () => {
  const sale = await openSale(1);
  const order = anOrder(sale);
  await broker.publish(order);
  await atRest(sale, 1);
  assert.deepEqual([...(await unitsOf(sale)).keys()], [order.orderId]);
  assert.equal((await moneyOf()).get(order.orderId), 'captured');
  assert.equal(broker.eventsOf(order.orderId).length, 1);
});
