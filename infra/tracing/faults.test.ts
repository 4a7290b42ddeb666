// What goes wrong stays in the trace of its order: a retry, a dead letter, a killed worker, a refund; a stranger's trace does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mintId } from '@flashsale/contracts/fields';
import { ORDERS_PLACED, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { deadLetterQueue, retryQueue } from '@flashsale/messaging/topology';
import { connect } from 'amqplib';
import { createBank } from '../clients/bank.ts';
import { until } from '../until.ts';
import { assertIsOne, buyAll, openTracedShop, stepsOf, traceIdOf } from './shop.ts';

const QUICK = { latencyMs: { p50: 1, p99: 2 } };
/** Longer than orders waits for a charge. */
const SLOW = { latencyMs: { p50: 4_000, p99: 4_000 } };
const shop = await openTracedShop('faults', {
  bank: { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '1', LATENCY_P99_MS: '2' },
  orders: { CHARGE_TIMEOUT_MS: '2000', JOBS_EVERY_MS: '200' },
});
const bank = createBank(shop.stack.bankUrl, shop.stack.bankApiKey);
const broker = shop.closed(await connect(shop.stack.amqpUrl));

const stepsOfOrder = (orderId: string) => stepsOf(shop.receiver.traceOf(traceIdOf(orderId)));

/** Waits until the trace has at least these steps, each as often as it is here. */
async function has(orderId: string, steps: string[]): Promise<void> {
  const count = (all: string[], step: string) => all.filter((one) => one === step).length;
  const missing = () => steps.filter((step) => count(stepsOfOrder(orderId), step) < count(steps, step));
  await until(`the trace of ${orderId} has its steps`, () => missing().length === 0, 60_000).catch((error) => {
    throw new Error(`without ${missing().join(', ')}:\n${stepsOfOrder(orderId).join('\n')}`, { cause: error });
  });
}

/** Accepted, and not final. */
async function accept(count: number) {
  const saleId = await shop.createSale({ mode: 'queued', stock: count });
  const buyers = Array.from({ length: count }, (_, nth) => `buyer-${nth}-${saleId}`);
  return Promise.all(buyers.map(async (buyer) => ({ buyer, orderId: (await shop.buy(saleId, buyer)).orderId ?? '' })));
}

test("a stranger's trace is linked to that of the order, and not continued", async () => {
  const stranger = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  const headers = { traceparent: `00-${stranger.traceId}-${stranger.spanId}-01` };
  const token = shop.tokenFor('stranger');
  const bought = await shop.request(`/v1/sales/${saleId}/orders`, { method: 'POST', headers }, token);
  const { orderId } = (await bought.json()) as { orderId: string };
  await has(orderId, ['gateway click', 'gateway apply result']);
  const root = shop.receiver.traceOf(traceIdOf(orderId)).find(({ name }) => name === 'click');
  assert.deepEqual(
    root?.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
    [stranger],
  );
  assert.deepEqual(shop.receiver.traceOf(stranger.traceId), []);
});

test('a refund is in the trace of its order, down to the bank', async () => {
  const [orderId = ''] = await buyAll(shop, 'queued', 1);
  await shop.adminCancel(orderId);
  await has(orderId, [
    ...['gateway orders.cancelConfirmed', 'orders rpc cancelOrder', 'orders ledger.cancelConfirmed'],
    ...['orders payment.void', 'payment ledger.void', 'orders inventory.release', 'inventory reservations.release'],
    ...['orders ledger.compensated', 'orders publish order.cancelled', 'gateway apply result', 'gateway apply result'],
    ...['payment bank.reverse', 'bank reverse', 'orders payment.stateOf', 'orders ledger.refunded'],
  ]);
  assertIsOne(shop, orderId);
});

test('a payment that is repeated is in the trace of its order, with its wait in the retry step', async () => {
  await bank.change(SLOW);
  const [order] = await accept(1);
  assert.ok(order);
  const forwarded = `orders forward ${retryQueue(PAYMENTS_DUE, 1_000)}`;
  await has(order.orderId, [forwarded]);
  await bank.change(QUICK);
  await shop.reaches(order.orderId, order.buyer, 'confirmed', 60_000);
  const twice = ['orders waiting for orders: payments due', 'orders payment.charge'];
  await has(order.orderId, [forwarded, ...twice, ...twice, 'gateway apply result']);
});

test('a dead letter stays in its trace, and so does what it says of it', async () => {
  const id = mintId();
  const channel = await broker.createConfirmChannel();
  const headers = { traceparent: `00-${traceIdOf(id)}-${traceIdOf(id).slice(16)}-01`, 'x-sent-ms': Date.now() };
  const { exchange, queue } = ORDERS_PLACED;
  channel.publish(exchange, queue, Buffer.from('buy me one'), { messageId: id, headers });
  const dead = await until('it is dead', () => channel.get(deadLetterQueue(ORDERS_PLACED), { noAck: true }));
  assert.equal(String(dead.properties.headers?.traceparent).split('-')[1], traceIdOf(id));
  const steps = ['orders waiting for orders: placed orders', 'orders orders: placed orders'];
  await has(id, [...steps, `orders forward ${deadLetterQueue(ORDERS_PLACED)}`]);
});

test('the orders of a killed worker are carried on in their own traces by the next one', async () => {
  await bank.change(SLOW);
  const accepted = await accept(10);
  for (const { orderId } of accepted) await has(orderId, ['orders publish payments.due', 'payment ledger.request']);
  const [worker] = shop.stack.services.orders;
  const pid = worker.pid() as number;
  process.kill(pid, 'SIGKILL');
  await until('it has ended', () => worker.pid() !== pid);
  await bank.change(QUICK);
  for (const { orderId, buyer } of accepted) {
    await shop.reaches(orderId, buyer, 'confirmed', 60_000);
    await has(orderId, [
      ...['gateway click', 'orders payment.charge', 'payment bank.charge', 'bank charge', 'orders inventory.confirm'],
      ...['orders ledger.confirm', 'orders publish order.confirmed', 'gateway apply result'],
    ]);
    assert.equal(stepsOfOrder(orderId).filter((step) => step === 'gateway click').length, 1);
  }
});
