// Responses that never come: the worker repeats the call, gets the same outcome, and there is one effect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReservationState } from '@flashsale/contracts/inventory';
import { ORDERS_PLACED, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { retryQueue } from '@flashsale/messaging/topology';
import { status } from '@flashsale/rpc/client';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { type OpenSale, openEnvironment, TAKES_UP, type Worker } from './environment.ts';

const { atRest, bank, broker, decline, moneyOf, openSale, passDeadline, rowOf, rowsOf, startWorker } =
  await openEnvironment();

const calls: [method: string, proxyOf: (worker: Worker) => Worker['inventory'], end: string][] = [
  ['reserve', (worker) => worker.inventory, 'confirmed'],
  ['charge', (worker) => worker.payment, 'confirmed'],
  ['confirm', (worker) => worker.inventory, 'confirmed'],
  ['void', (worker) => worker.payment, 'declined'],
  ['release', (worker) => worker.inventory, 'declined'],
];

for (const where of ['there', 'back'] as const) {
  test(`a call that is lost on its way ${where} decides nothing; it is made again, with one effect`, async (t) => {
    const worker = await startWorker(TAKES_UP, t);
    const sales: OpenSale[] = [];
    while (sales.length < calls.length) sales.push(await openSale(1));
    const orders = sales.map((sale) => anOrder(sale));
    const orderOf = (index: number) => orders[index] ?? assert.fail();
    // Before any order is on its way: while one is declined, the bank declines whatever comes.
    for (const [index, [, , end]] of calls.entries()) if (end === 'declined') await decline(orderOf(index));
    for (const [index, [method, proxyOf]] of calls.entries()) {
      const { lost } = proxyOf(worker).lose(method, { howMany: 1, where });
      await broker.publish(orderOf(index));
      await until('it is lost', () => lost() === 1);
    }
    for (const [index, [, , end]] of calls.entries())
      assert.deepEqual(Object.values(await atRest(sales[index] ?? assert.fail(), 1)), [end]);
    assert.deepEqual(await broker.deadLetters(), []);
  });

  test(`a unary call lost with its connection on its way ${where} is made again in the same breath`, async (t) => {
    const worker = await startWorker({}, t);
    for (const [method, proxyOf, end] of calls.filter(([method]) => method !== 'charge')) {
      const sale = await openSale(1);
      const order = anOrder(sale);
      if (end === 'declined') await decline(order);
      const { lost } = proxyOf(worker).lose(method, { howMany: 2, where, code: status.UNAVAILABLE });
      const response = await worker.place(order);
      assert.deepEqual([response.reason || response.status, lost()], [end, 2], method);
      assert.deepEqual(await atRest(sale, 1), { [order.orderId]: end });
    }
  });
}

test('a direct call that meets an unknown returns the row as it is, and the deadline ends it', async (t) => {
  const worker = await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale);
  const { lost } = worker.payment.lose('charge', { howMany: 1, where: 'back' });
  const response = await worker.place(order);
  assert.deepEqual([response.status, response.payRequested, response.final, lost()], ['reserved', true, false, 1]);
  await passDeadline(order.orderId);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
});

test('only a unit that is sold confirms an order: with any other outcome of inventory the call is repeated', async (t) => {
  const worker = await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale);
  let calls = 0;
  worker.inventory.on('confirm', async (request: { orderIds: string[] }, forward) => {
    calls += 1;
    if (calls > 1) return forward();
    return { outcomes: request.orderIds.map((orderId) => ({ orderId, state: ReservationState.ABSENT })) };
  });
  await broker.publish(order);
  await until('it was called once', () => calls === 1);
  await until('it waits', async () => (await broker.onRetrySteps(PAYMENTS_DUE)) === 1);
  assert.equal((await rowOf(sale, order.orderId))?.status, 'reserved');
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('the steps are taken one after the other, and the order is confirmed when inventory is found again', async (t) => {
  const worker = await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale);
  const { lost } = worker.inventory.lose('reserve', { howMany: 2, where: 'back' });
  await broker.publish(order);
  for (const delayMs of ORDERS_PLACED.retryDelaysMs.slice(0, 2)) {
    const step = retryQueue(ORDERS_PLACED, delayMs);
    await until(`it waits ${delayMs} ms`, async () => (await broker.waiting(step)) === 1);
  }
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
  assert.equal(lost(), 2);
});

test('a bank that responds after the timeout of its call has captured once, and the order is confirmed', async (t) => {
  await startWorker({ CHARGE_TIMEOUT_MS: '300' }, t);
  const sale = await openSale(10);
  const orders = times(10, () => anOrder(sale));
  await bank.change({ lateRate: 1, lateMs: 700 });
  await broker.publish(...orders);
  await until('the bank has captured', async () => (await moneyOf()).get(String(orders[0]?.orderId)) === 'captured');
  await bank.change({ lateRate: 0 });
  const ends = await atRest(sale, 10);
  assert.ok(Object.values(ends).every((end) => end === 'confirmed'));
});

test('a bank that responds after the deadline of an order has captured, and refunds', async (t) => {
  const worker = await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale);
  await bank.change({ lateRate: 1, lateMs: 2_000 });
  const response = worker.place(order).catch(() => undefined);
  await until('the bank has captured', async () => (await moneyOf()).get(order.orderId) === 'captured');
  await passDeadline(order.orderId);
  await bank.change({ lateRate: 0 });
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  await until('it is refunded', async () => (await moneyOf()).get(order.orderId) === 'reversed');
  await response;
});

test('orders loses its database at work: nothing is lost, nothing is dead-lettered, all is drained after', async (t) => {
  const worker = await startWorker({ BATCH: '5', LANES: '2' }, t);
  const sale = await openSale(30);
  const orders = times(30, () => anOrder(sale));
  const held = worker.inventory.hold('reserve', 'back');
  await broker.publish(...orders.slice(0, 15));
  await held.reached();
  worker.wires.postgres.block(true);
  held.letGo();
  await broker.publish(...orders.slice(15));
  await until('every message waits on a retry step', async () => (await broker.onRetrySteps()) >= 30);
  assert.equal((await fetch(`http://127.0.0.1:${worker.ops}/readyz`)).status, 503);
  assert.ok((await rowsOf(sale)).every((row) => row.status === 'placed'));

  worker.wires.postgres.block(false);
  const ends = await atRest(sale, 30);
  assert.ok(Object.values(ends).every((end) => end === 'confirmed'));
  assert.deepEqual(await broker.deadLetters(), []);
  await worker.ready();
});

test('an order whose reservation stays unknown waits on the longest step, and is never a dead letter', async (t) => {
  const worker = await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale);
  const { lost } = worker.inventory.lose('reserve', { howMany: Number.POSITIVE_INFINITY, where: 'there' });
  await broker.publishAgain(order, 250);
  await until('it is requested', () => lost() === 1);
  const longest = retryQueue(ORDERS_PLACED, Math.max(...ORDERS_PLACED.retryDelaysMs));
  await until('it waits on the longest step', async () => (await broker.waiting(longest)) === 1);
  assert.deepEqual(await broker.deadLetters(), []);
  assert.equal((await rowOf(sale, order.orderId))?.status, 'placed');
});
