// Stage 2, through the queue: each due payment is charged, confirmed or declined on its own, although a worker dies or a bank hangs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { ChargeRequest, ChargeResponse } from '@flashsale/contracts/payment';
import { PAYMENTS_DUE } from '@flashsale/contracts/topology';
import type { Forward } from '../../../infra/testbed/rpc-proxy.ts';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { type OpenSale, openEnvironment } from './environment.ts';

const { atRest, bank, broker, decline, moneyOf, openSale, passDeadline, rowOf, startWorker, stores, unitsOf } =
  await openEnvironment();

const statusOf = async (sale: OpenSale, { orderId }: OrderCommand) => (await rowOf(sale, orderId))?.status;
const becomes = (sale: OpenSale, order: OrderCommand, status: string) =>
  until(`its row is ${status}`, async () => (await statusOf(sale, order)) === status);

test('due payments are charged, their units sold, and then confirmed; no message is left', async (t) => {
  const sale = await openSale(30);
  await startWorker({}, t);
  const orders = times(30, () => anOrder(sale));
  await broker.publish(...orders);
  const ends = await atRest(sale, 30);
  assert.deepEqual(new Set(Object.values(ends)), new Set(['confirmed']));
  await until('the queue is empty', async () => (await broker.waiting(PAYMENTS_DUE.queue)) === 0);
  assert.equal(await broker.onRetrySteps(PAYMENTS_DUE), 0);
});

test('an order whose charge hangs holds up no other', async (t) => {
  const sale = await openSale(10);
  const worker = await startWorker({}, t);
  const [hanging, ...others] = times(10, () => anOrder(sale)) as [OrderCommand, ...OrderCommand[]];
  const bankResponds = Promise.withResolvers<void>();
  t.after(() => bankResponds.resolve());
  worker.payment.on('charge', async function* ({ items }: ChargeRequest, forward: Forward) {
    yield* await forward<ChargeResponse[]>({ items: items.filter(({ orderId }) => orderId !== hanging.orderId) });
    if (items.some(({ orderId }) => orderId === hanging.orderId)) await bankResponds.promise;
    yield* await forward<ChargeResponse[]>({ items });
  } as never);
  await broker.publish(hanging, ...others);
  for (const order of others) await becomes(sale, order, 'confirmed');
  assert.equal(await statusOf(sale, hanging), 'reserved');
  bankResponds.resolve();
  assert.equal((await atRest(sale, 10))[hanging.orderId], 'confirmed');
});

test('an order is confirmed only when its unit is sold: its row stays reserved until inventory has responded', async (t) => {
  const sale = await openSale();
  const worker = await startWorker({}, t);
  const order = anOrder(sale);
  const confirming = worker.inventory.hold('confirm', 'there');
  await broker.publish(order);
  await confirming.reached();
  assert.equal(await statusOf(sale, order), 'reserved');
  worker.die();
  confirming.letGo();
  await startWorker({}, t);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('a worker that dies between Confirm and its statement leaves the order due: the redelivery confirms it', async (t) => {
  const sale = await openSale();
  const worker = await startWorker({}, t);
  const order = anOrder(sale);
  const confirming = worker.inventory.hold('confirm', 'back');
  await broker.publish(order);
  await confirming.reached();
  assert.equal((await unitsOf(sale)).get(order.orderId), 'sold');
  assert.equal(await statusOf(sale, order), 'reserved');
  worker.die();
  confirming.letGo();
  await startWorker({}, t);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

for (const state of ['HELD', 'RELEASED', 'REFUSED', 'ABSENT']) {
  test(`only the outcome sold confirms: with ${state.toLowerCase()} the order stays due, and is paid again`, async (t) => {
    const sale = await openSale();
    const worker = await startWorker({}, t);
    const order = anOrder(sale);
    worker.inventory.on('confirm', async ({ orderIds }: { orderIds: string[] }) => ({
      outcomes: orderIds.map((orderId) => ({ orderId, state: `RESERVATION_STATE_${state}` })),
    }));
    await broker.publish(order);
    await until('it waits on a retry step', async () => (await broker.onRetrySteps(PAYMENTS_DUE)) === 1);
    assert.equal(await statusOf(sale, order), 'reserved');
    worker.inventory.on('confirm');
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
  });
}

test('a declined order ends once: its money was never taken, its unit comes back, its message is done', async (t) => {
  const sale = await openSale();
  await startWorker({}, t);
  const order = anOrder(sale);
  await decline(order);
  await broker.publish(order);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'declined' });
  assert.equal(await broker.onRetrySteps(PAYMENTS_DUE), 0);
});

test('money that is captured while the order times out is given back, once', async (t) => {
  const sale = await openSale();
  const worker = await startWorker({}, t);
  const order = anOrder(sale);
  const charging = worker.payment.hold('charge', 'back');
  const voided = worker.payment.listen<{ orderIds: string[] }>('void');
  await broker.publish(order);
  await charging.reached();
  assert.equal((await moneyOf()).get(order.orderId), 'captured');
  await passDeadline(order.orderId);
  await becomes(sale, order, 'rejected');
  charging.letGo();
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  assert.equal((await moneyOf()).get(order.orderId), 'reversed');
  assert.equal(voided.flatMap(({ orderIds }) => orderIds).length, 1);
  await until('its refund is done', async () => (await rowOf(sale, order.orderId))?.refund === 'done');
});

test('a charge that arrives after its order was voided takes no money', async (t) => {
  const sale = await openSale();
  const worker = await startWorker({}, t);
  const order = anOrder(sale);
  const charging = worker.payment.hold('charge', 'there');
  await broker.publish(order);
  await charging.reached();
  await passDeadline(order.orderId);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  charging.letGo();
  await worker.stop();
  assert.deepEqual(await broker.takeAll(PAYMENTS_DUE), [], 'its message is done');
  assert.equal((await moneyOf()).get(order.orderId), undefined);
});

test('a bank that has not received a charge yet is no proof that it never will: it has to refuse it', async (t) => {
  const sale = await openSale();
  await startWorker({}, t);
  const [first, order] = [anOrder(sale), anOrder(sale)];
  await bank.change({ chargesPerSecond: 0.001 });
  t.after(() => bank.change({ chargesPerSecond: 0 }));
  await broker.publish(first, order);
  await until('one is at work, the other in the queue', async () => {
    const { queue } = await bank.statement();
    return queue.inProgress === 1 && queue.waiting === 1;
  });
  for (const { orderId } of [first, order]) await passDeadline(orderId);
  for (const each of [first, order]) await becomes(sale, each, 'rejected');
  await until('the bank has refused both', async () => (await bank.statement()).queue.waiting === 0);
  await bank.change({ chargesPerSecond: 0 });
  const ends = await atRest(sale, 2);
  assert.deepEqual(new Set(Object.values(ends)), new Set(['timed_out']));
});

test('a payment that stays unknown is repeated on the retry steps, and never dead-lettered', async (t) => {
  const sale = await openSale();
  const worker = await startWorker({}, t);
  const order = anOrder(sale);
  let lost = 0;
  worker.payment.on('charge', async () => {
    lost += 1;
    return [];
  });
  await broker.publish(order);
  await until('it was tried on two steps', () => lost >= 3);
  assert.deepEqual(await broker.deadLetters(PAYMENTS_DUE), []);
  assert.equal(await statusOf(sale, order), 'reserved');
  worker.payment.on('charge');
  await passDeadline(order.orderId);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
});

test('a worker begins with twenty payments; the others wait, and go back to the queue when it stops', async (t) => {
  const sale = await openSale(50);
  const worker = await startWorker({}, t);
  const charged = new Set<string>();
  const bankResponds = Promise.withResolvers<void>();
  t.after(() => bankResponds.resolve());
  worker.payment.on('charge', async function* ({ items }: ChargeRequest, forward: Forward) {
    for (const { orderId } of items) charged.add(orderId);
    await bankResponds.promise;
    yield* await forward<ChargeResponse[]>({ items });
  } as never);
  const orders = times(50, () => anOrder(sale));
  await broker.publish(...orders);
  await until('all are due', async () => {
    const { rows } = await stores.orders.query('SELECT count(*)::int AS waiting FROM outbox');
    const reserved = await Promise.all(orders.map((order) => statusOf(sale, order)));
    return rows[0].waiting === 0 && reserved.every((status) => status === 'reserved');
  });
  await until('the worker has all messages', async () => (await broker.waiting(PAYMENTS_DUE.queue)) === 0);
  await until('twenty are at the bank', () => charged.size === 20);
  const stopped = worker.stop();
  bankResponds.resolve();
  await stopped;
  assert.equal(charged.size, 20);
  assert.equal(await broker.waiting(PAYMENTS_DUE.queue), 30);
  await startWorker({}, t);
  const ends = await atRest(sale, 50);
  assert.deepEqual(new Set(Object.values(ends)), new Set(['confirmed']));
});
