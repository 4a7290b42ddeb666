// Holds: reserved, then paid, cancelled or expired by one statement each; and the admin who cancels what was sold.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { status, statusOf } from '@flashsale/rpc/client';
import { anOrder, HOLD, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { type OpenSale, openEnvironment } from './environment.ts';

const { atRest, broker, decline, moneyOf, openSale, passDeadline, rowOf, startWorker, stockOf, unitsOf } =
  await openEnvironment();
const worker = await startWorker();

const modes = ['queued', 'direct'] as const;
type Mode = (typeof modes)[number];

/** Reserved, and not paid. */
async function aHold(mode: Mode, fields: Partial<OrderCommand> = {}) {
  const sale = await openSale(1, { ...HOLD, mode });
  const order = anOrder(sale, fields);
  if (mode === 'direct') await worker.place(order);
  else await broker.publish(order);
  await isReserved(sale, order);
  return { sale, order };
}

const isReserved = (sale: OpenSale, { orderId }: OrderCommand) =>
  until('it is reserved', async () => (await rowOf(sale, orderId))?.status === 'reserved');
const statusesOf = ({ orderId }: OrderCommand) =>
  broker.eventsOf(orderId).map(({ status, refund }) => (refund === 'none' ? status : `${status}, ${refund}`));
const isRefunded = ({ orderId }: OrderCommand) =>
  until('its refund is done', async () => (await worker.get(orderId))[0]?.refund === 'done');
const notFound = (error: unknown) => statusOf(error) === status.NOT_FOUND;

for (const mode of modes) {
  test(`a ${mode} hold is reserved, says so, and nothing is charged; paid, it is confirmed`, async () => {
    const { sale, order } = await aHold(mode);
    await until('an event says so', () => broker.eventsOf(order.orderId).length === 1);
    const [event] = broker.eventsOf(order.orderId);
    assert.deepEqual([event?.status, event?.amount?.amountMinor, event?.decidedAtMs], ['reserved', 1_000, null]);
    assert.ok(Math.abs(Number(event?.deadlineMs) - Date.now() - 600_000) < 20_000);
    const [row] = await worker.get(order.orderId);
    assert.deepEqual([row?.status, row?.payRequested, row?.final], ['reserved', false, false]);
    assert.equal((await moneyOf()).has(order.orderId), false);

    const response = await worker.pay(order);
    if (mode === 'queued') assert.deepEqual([response.status, response.payRequested], ['reserved', true]);
    else assert.deepEqual([response.status, response.final], ['confirmed', true]);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
    assert.deepEqual(statusesOf(order), ['reserved', 'confirmed']);
  });

  test(`a ${mode} hold whose payment is declined gives its unit back`, async () => {
    const { sale, order } = await aHold(mode);
    await decline(order);
    const response = await worker.pay(order);
    if (mode === 'direct')
      assert.deepEqual([response.status, response.reason, response.final], ['rejected', 'declined', true]);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'declined' });
    assert.equal((await stockOf(sale)).available, 1);
  });

  test(`a ${mode} hold that is not paid in time is expired, and its unit is back`, async () => {
    const { sale, order } = await aHold(mode);
    await passDeadline(order.orderId);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'expired' });
    assert.equal((await stockOf(sale)).available, 1);
    assert.deepEqual([(await worker.pay(order)).status, (await worker.cancel(order)).status], ['expired', 'expired']);
  });

  test(`the buyer cancels a ${mode} hold: the response comes with the unit back, and a late payment finds that`, async () => {
    const { sale, order } = await aHold(mode);
    const response = await worker.cancel(order);
    assert.deepEqual([response.status, response.reason, response.final], ['cancelled', 'buyer', true]);
    assert.equal((await stockOf(sale)).available, 1);
    assert.equal((await worker.pay(order)).status, 'cancelled');
    assert.equal((await worker.cancel(order)).version, response.version);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'buyer' });
    assert.deepEqual(statusesOf(order), ['reserved', 'cancelled']);
  });

  test(`a ${mode} hold is not cancelled while its payment is under way, and its response says so`, async () => {
    const { sale, order } = await aHold(mode);
    const charging = worker.payment.hold('charge', 'back');
    const paid = worker.pay(order);
    await charging.reached();
    const response = await worker.cancel(order);
    assert.deepEqual([response.status, response.payRequested], ['reserved', true]);
    charging.letGo();
    await paid;
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
    assert.equal((await worker.cancel(order)).status, 'confirmed');
  });

  test(`a ${mode} hold that is paid many times at once is charged once, and every response is its row`, async () => {
    const { sale, order } = await aHold(mode);
    const charging = worker.payment.hold('charge', 'back');
    const responses = times(5, () => worker.pay(order));
    await charging.reached();
    charging.letGo();
    const statuses = (await Promise.all(responses)).map((response) => response.status);
    // The one that requested it has its response at once in a queued sale; the others wait for the result.
    const first = mode === 'queued' ? 'reserved' : 'confirmed';
    assert.deepEqual(statuses.sort(), ['confirmed', 'confirmed', 'confirmed', 'confirmed', first].sort());
    assert.equal(charging.count(), 1);
    await atRest(sale, 1);
  });

  test(`a repeated payment of a ${mode} hold waits no longer than its caller, and starts no second one`, async () => {
    const { sale, order } = await aHold(mode);
    const charging = worker.payment.hold('charge', 'back');
    const paid = worker.pay(order);
    await charging.reached();
    const response = await worker.pay(order, 3_000);
    assert.deepEqual([response.status, response.payRequested], ['reserved', true]);
    assert.equal(charging.count(), 1);
    charging.letGo();
    await paid;
    await atRest(sale, 1);
  });
}

test('a payment begun in time is honoured after the deadline of its hold', async () => {
  const { sale, order } = await aHold('queued');
  const charging = worker.payment.hold('charge', 'there');
  await worker.pay(order);
  await charging.reached();
  const [row] = await worker.get(order.orderId);
  assert.ok(Math.abs(Number(row?.deadlineMs) - Date.now() - 600_000) < 20_000);
  charging.letGo();
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('a direct payment whose response never comes ends with its deadline, and the money is given back', async () => {
  const { sale, order } = await aHold('direct');
  const charging = worker.payment.hold('charge', 'back');
  await assert.rejects(worker.pay(order, 500), /DEADLINE_EXCEEDED/);
  await passDeadline(order.orderId);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  charging.letGo();
  await until('it is refunded', async () => (await moneyOf()).get(order.orderId) === 'reversed');
});

test('another buyer’s order can neither be paid nor cancelled: it is not found, as one that does not exist', async () => {
  const { sale, order } = await aHold('queued');
  const stranger = { orderId: order.orderId, buyerId: 'buyer-other' };
  const missing = { orderId: randomUUID(), buyerId: order.buyerId };
  for (const request of [stranger, missing]) {
    await assert.rejects(worker.pay(request), notFound);
    await assert.rejects(worker.cancel(request), notFound);
  }
  await assert.rejects(worker.cancelAsAdmin(missing.orderId), notFound);
  assert.equal((await rowOf(sale, order.orderId))?.version, 2);
  assert.equal((await worker.cancelAsAdmin(order.orderId)).status, 'reserved');
});

for (const mode of modes) {
  test(`the admin cancels a confirmed ${mode} order: the unit is back, the money is owed, then given back`, async () => {
    const { sale, order } = await aHold(mode);
    await worker.pay(order);
    await atRest(sale, 1);
    const reversals = worker.payment.hold('getCharge', 'there');
    const { status, reason, final, refund } = await worker.cancelAsAdmin(order.orderId);
    assert.deepEqual([status, reason, final, refund], ['cancelled', 'admin', true, 'owed']);
    assert.equal((await unitsOf(sale)).get(order.orderId), 'released');
    await reversals.reached();
    reversals.letGo();
    await isRefunded(order);
    assert.equal((await moneyOf()).get(order.orderId), 'reversed');
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'admin' });
    await until('every event has come', () => statusesOf(order).length === 4);
    assert.deepEqual(statusesOf(order), ['reserved', 'confirmed', 'cancelled, owed', 'cancelled, done']);
    const [event, last] = broker.eventsOf(order.orderId).slice(2);
    assert.equal(Number(last?.version), Number(event?.version) + 1);
  });
}

test('a refund that nothing is known of yet is checked again', async () => {
  const { sale, order } = await aHold('direct');
  await worker.pay(order);
  const { lost } = worker.payment.lose('getCharge', { howMany: 1, where: 'there' });
  await worker.cancelAsAdmin(order.orderId);
  await isRefunded(order);
  assert.equal(lost(), 1);
  await atRest(sale, 1);
});
