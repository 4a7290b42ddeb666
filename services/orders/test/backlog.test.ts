// The gauges of the orders database: what waits there, and for how long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Sample, scrape } from '../../../infra/testbed/metrics.ts';
import { anOrder, HOLD } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment, type Worker } from './environment.ts';

const { atRest, broker, decline, openSale, startWorker } = await openEnvironment();

const shows = ({ ops }: Worker, what: string, holds: (sample: Sample) => boolean) =>
  until(what, async () => holds((await scrape(ops)).sample));

test('every gauge is there from the start, with 0', async (t) => {
  const { sample } = await scrape((await startWorker({}, t)).ops);
  for (const stage of ['placed', 'unpaid', 'due']) assert.equal(sample('orders_undecided', { stage }), 0, stage);
  for (const exchange of ['orders', 'order-events']) {
    assert.equal(sample('orders_outbox_waiting', { exchange }), 0, exchange);
    assert.equal(sample('orders_outbox_oldest_seconds', { exchange }), 0, exchange);
  }
  assert.equal(sample('orders_undecided_oldest_seconds'), 0);
  assert.equal(sample('orders_compensations_pending'), 0);
});

test('an order that ended with a unit is pending until it is compensated', async (t) => {
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  await decline(order);
  const voiding = worker.payment.hold('void', 'there');
  const placed = worker.place(order);
  await voiding.reached();
  await shows(worker, 'one is pending', (sample) => sample('orders_compensations_pending') === 1);
  voiding.letGo();
  await placed;
  await shows(worker, 'none is pending', (sample) => sample('orders_compensations_pending') === 0);
});

test('a message that waits for the broker is seen in the outbox of its exchange, with its age', async (t) => {
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const outboxOf = (exchange: string, holds: (waiting: number, oldestSeconds: number) => boolean) =>
    shows(worker, `the outbox of ${exchange} is as expected`, (sample) =>
      holds(
        sample('orders_outbox_waiting', { exchange }) ?? Number.NaN,
        sample('orders_outbox_oldest_seconds', { exchange }) ?? Number.NaN,
      ),
    );
  worker.wires.amqp.block(true);
  await worker.place(anOrder(sale));
  await outboxOf('order-events', (waiting, oldestSeconds) => waiting > 0 && oldestSeconds > 1);
  await outboxOf('orders', (waiting, oldestSeconds) => waiting === 0 && oldestSeconds === 0);
  worker.wires.amqp.block(false);
  await outboxOf('order-events', (waiting, oldestSeconds) => waiting === 0 && oldestSeconds === 0);
});

test('a hold is undecided, unpaid at first and due then; only what the system owes has an age', async (t) => {
  const [sale, worker] = [await openSale(1, HOLD), await startWorker({}, t)];
  const order = anOrder(sale);
  const stageIs = (stage: string, isOld: (oldest: number) => boolean) =>
    shows(worker, `it is ${stage}`, (sample) => {
      const oldest = sample('orders_undecided_oldest_seconds') ?? Number.NaN;
      return sample('orders_undecided', { stage }) === 1 && isOld(oldest);
    });
  const reserving = worker.inventory.hold('reserve', 'there');
  await broker.publish(order);
  await reserving.reached();
  await stageIs('placed', (oldest) => oldest > 0);
  reserving.letGo();
  await stageIs('unpaid', (oldest) => oldest === 0);
  const charging = worker.payment.hold('charge', 'there');
  await worker.pay(order);
  await charging.reached();
  await stageIs('due', (oldest) => oldest > 1);
  charging.letGo();
  await atRest(sale, 1);
});

test('a database that does not respond leaves its gauges out, and no other metric', async (t) => {
  const worker = await startWorker({}, t);
  worker.wires.postgres.loseResponses(true);
  const isThere = (sample: Sample) => sample('orders_compensations_pending') !== undefined;
  await shows(worker, 'the gauges are left out', (sample) => !isThere(sample));
  assert.match((await scrape(worker.ops)).page, /^orders_decided_total\{/m);
  worker.wires.postgres.loseResponses(false);
  await shows(worker, 'the gauges are back', isThere);
});
