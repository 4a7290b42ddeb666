// What is counted of each order: its decisions, and once the time until it is final.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mintId } from '@flashsale/contracts/fields';
import { type Sample, scrape } from '../../../infra/testbed/metrics.ts';
import { anOrder } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment, type Worker } from './environment.ts';

const { atRest, broker, decline, openSale, startWorker } = await openEnvironment();
const MODES = ['queued', 'direct'];
const ENDS = [
  ...['confirmed/', 'expired/', 'cancelled/buyer', 'cancelled/admin', 'cancelled/given_up'],
  ...['sold_out', 'stale_epoch', 'unknown_sale', 'duplicate', 'declined', 'timed_out'].map((why) => `rejected/${why}`),
].map((end) => end.split('/') as [status: string, reason: string]);

const sumOf = async (workers: Worker[], ...series: Parameters<Sample>) => {
  const values = await Promise.all(workers.map(async ({ ops }) => (await scrape(ops)).sample(...series)));
  return values.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0);
};
const decided = (workers: Worker[], mode: string, status: string, reason = '') =>
  sumOf(workers, 'orders_decided_total', { mode, status, reason });
const final = (workers: Worker[], mode: string, status: string) =>
  sumOf(workers, 'orders_click_to_final_seconds_count', { mode, status });

test('every end that an order may have is there from the start, with 0', async (t) => {
  const worker = await startWorker({}, t);
  const { sample } = await scrape(worker.ops);
  for (const mode of MODES)
    for (const [status, reason] of ENDS) {
      assert.equal(sample('orders_decided_total', { mode, status, reason }), 0, `${mode}: ${status}, ${reason}`);
      assert.equal(sample('orders_click_to_final_seconds_count', { mode, status }), 0, `${mode}: ${status}`);
    }
});

test('an order is counted once, by the worker that ended it, with its time since the click, on each path', async (t) => {
  const workers = [await startWorker({ BATCH: '1' }, t), await startWorker({ BATCH: '1' }, t)] as const;
  const sale = await openSale(2);
  const clicked = () => ({ orderId: mintId(Date.now() - 90_000) });
  const [queued, direct] = [anOrder(sale, clicked()), anOrder(sale, { mode: 'direct', ...clicked() })];
  await broker.publish(queued, queued, queued);
  await Promise.all(workers.map((worker) => worker.place(direct)));
  await atRest(sale, 2);
  for (const mode of MODES) {
    await until(`it is counted as ${mode}`, async () => (await final([...workers], mode, 'confirmed')) === 1);
    assert.equal(await decided([...workers], mode, 'confirmed'), 1, mode);
    const upTo = (le: string) =>
      sumOf([...workers], 'orders_click_to_final_seconds_bucket', { mode, status: 'confirmed', le });
    assert.deepEqual([await upTo('60'), await upTo('600')], [0, 1], mode);
  }
  const { page } = await scrape(workers[0].ops);
  for (const id of [sale.id, queued.orderId, direct.buyerId]) assert.ok(!page.includes(id), id);
});

test('a declined order is decided at once, and final when it is compensated', async (t) => {
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale, { mode: 'direct' });
  await decline(order);
  const voiding = worker.payment.hold('void', 'there');
  const placed = worker.place(order);
  await voiding.reached();
  assert.equal(await decided([worker], 'direct', 'rejected', 'declined'), 1);
  assert.equal(await final([worker], 'direct', 'rejected'), 0);
  voiding.letGo();
  await placed;
  assert.equal(await final([worker], 'direct', 'rejected'), 1);
});

test('an order that is cancelled after it was confirmed has had its time, and is decided again', async (t) => {
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale, { mode: 'direct' });
  await worker.place(order);
  await worker.cancelAsAdmin(order.orderId);
  await atRest(sale, 1);
  assert.equal(await decided([worker], 'direct', 'confirmed'), 1);
  assert.equal(await decided([worker], 'direct', 'cancelled', 'admin'), 1);
  assert.equal(await final([worker], 'direct', 'confirmed'), 1);
  assert.equal(await final([worker], 'direct', 'cancelled'), 0);
});
