// Two doors, one story: what becomes of an order, whichever way it came, and what every store says of it afterwards.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { until } from '../../../infra/until.ts';
import { anOrder, openTown, type Sale } from './town.ts';
import { atRest, moneyOf, rowOf, stockOf, unitsOf } from './truth.ts';
import { startWorker } from './worker.ts';

const town = await openTown();
const worker = await startWorker(town);
after(async () => {
  await worker.stop();
  await town.close();
});

/** Each brings an order in and answers its end as its row has it. */
const doors: Record<string, (sale: Sale, order: OrderCommand) => Promise<string>> = {
  call: async (_sale, order) => {
    const { status, reason } = await worker.place(order);
    return reason || status;
  },
  queue: async (sale, order) => {
    await town.broker.publish(order);
    const { status, reason } = await until('the order is decided', async () => {
      const row = await rowOf(town, sale, order.orderId);
      return row?.status !== 'placed' && row;
    });
    return reason || status;
  },
};

for (const [door, bring] of Object.entries(doors)) {
  test(`an order that comes by ${door} is confirmed: one row, one unit, one charge, one event`, async () => {
    const sale = await town.openSale(5);
    const order = anOrder(sale, { quantity: 2 });
    assert.equal(await bring(sale, order), 'confirmed');
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'confirmed' });
    assert.equal((await moneyOf(town)).get(order.orderId), 'captured');
    const { decidedAtMs, ...event } = town.broker.eventsOf(order.orderId)[0] ?? assert.fail();
    const { decideByMs, ...command } = order;
    const outcome = { status: 'confirmed', reason: null, version: 2, amountMinor: 2_000, currency: 'EUR' };
    assert.deepEqual(event, { ...command, ...outcome });
    assert.ok(Math.abs(decidedAtMs - Date.now()) < 60_000);
  });

  test(`an order that comes by ${door} and is declined gives its unit back and is not charged`, async () => {
    const sale = await town.openSale(1);
    const order = anOrder(sale);
    await town.bank.change({ declineRate: 1 });
    assert.equal(await bring(sale, order), 'declined');
    await town.bank.change({ declineRate: 0 });
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'declined' });
    assert.equal((await moneyOf(town)).get(order.orderId), 'declined');
    assert.equal((await unitsOf(town, sale)).get(order.orderId), 'released');
    assert.equal(await bring(sale, anOrder(sale)), 'confirmed');
  });

  test(`an order that comes by ${door} too late for a unit is sold out, and the bank never hears of it`, async () => {
    const sale = await town.openSale(2);
    const [first, second] = [anOrder(sale, { quantity: 2 }), anOrder(sale)];
    assert.equal(await bring(sale, first), 'confirmed');
    assert.equal(await bring(sale, second), 'sold_out');
    assert.deepEqual(await atRest(town, sale, 2), { [first.orderId]: 'confirmed', [second.orderId]: 'sold_out' });
    assert.equal((await moneyOf(town)).get(second.orderId), undefined);
  });

  test(`an order of yesterday's gate that comes by ${door} is refused by today's stock`, async () => {
    const sale = await town.openSale(1);
    const order = anOrder(sale);
    await town.reopen(sale);
    assert.equal(await bring(sale, order), 'stale_epoch');
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'stale_epoch' });
    assert.equal((await stockOf(town, sale)).available, 1);
  });

  test(`a buyer's second order that comes by ${door} is rejected as a duplicate, with an event`, async () => {
    const sale = await town.openSale(5);
    const [first, other] = [anOrder(sale), anOrder(sale)];
    const second = { ...anOrder(sale), buyerId: first.buyerId };
    assert.equal(await bring(sale, first), 'confirmed');
    assert.equal(await bring(sale, second), 'duplicate');
    assert.equal(await bring(sale, other), 'confirmed');
    const ends = { [first.orderId]: 'confirmed', [second.orderId]: 'duplicate', [other.orderId]: 'confirmed' };
    assert.deepEqual(await atRest(town, sale, 3), ends);
    assert.equal((await unitsOf(town, sale)).has(second.orderId), false);
  });

  test(`a buyer whose order ended may order again by ${door}, and buys in another sale anyway`, async () => {
    const [sale, other] = [await town.openSale(1), await town.openSale(1)];
    const declined = anOrder(sale);
    const { buyerId } = declined;
    await town.bank.change({ declineRate: 1 });
    assert.equal(await bring(sale, declined), 'declined');
    await town.bank.change({ declineRate: 0 });
    assert.equal(await bring(sale, anOrder(sale, { buyerId })), 'confirmed');
    assert.equal(await bring(other, anOrder(other, { buyerId })), 'confirmed');
  });

  test(`an order of no sale that comes by ${door} is refused`, async () => {
    const sale = { saleId: randomUUID(), epoch: 1 };
    assert.equal(await bring(sale, anOrder(sale)), 'unknown_sale');
  });
}

test('the same order by both doors at once, many times, is one order', async () => {
  const sale = await town.openSale(5);
  const order = anOrder(sale);
  const copies = Array.from({ length: 5 }, () => order);
  const answers = await Promise.all([...copies.map((copy) => worker.place(copy)), town.broker.publish(...copies)]);
  for (const answer of answers.slice(0, 5)) {
    assert.ok(answer);
    assert.deepEqual([answer.orderId, answer.status], [order.orderId, 'confirmed']);
  }
  assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'confirmed' });
});

test('the id that the gate gave is the one that inventory, bank, row and event know', async () => {
  const sale = await town.openSale(1);
  const order = anOrder(sale);
  await town.broker.publish(order);
  await atRest(town, sale, 1);
  assert.deepEqual([...(await unitsOf(town, sale)).keys()], [order.orderId]);
  assert.equal((await moneyOf(town)).get(order.orderId), 'captured');
  assert.equal(town.broker.eventsOf(order.orderId).length, 1);
});
