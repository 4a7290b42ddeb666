// A worker dies at any step; another carries the order on, by the redelivered message or because the row is left over.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { until } from '../../../infra/until.ts';
import { hold } from './neighbours.ts';
import { anOrder, openTown, type Sale } from './town.ts';
import { atRest, moneyOf, rowOf, unitsOf } from './truth.ts';
import { RESUMES, startWorker, type Worker } from './worker.ts';

const town = await openTown();
after(() => town.close());

async function workerFor(t: TestContext, env: Record<string, string> = {}) {
  const worker = await startWorker(town, env);
  t.after(() => worker.stop());
  return worker;
}

interface Step {
  reached(): Promise<unknown>;
  letGo(): void;
}

/** The next thing that the database is asked about this order it does, and the worker never hears of it. */
function silenceAbout(order: OrderCommand, { wires: { postgres } }: Worker) {
  postgres.onRequest((bytes) => bytes.includes(order.orderId) && postgres.loseAnswers(true));
}

const isThere =
  (sale: Sale, { orderId }: OrderCommand, status: string) =>
  () =>
    until(`its row is ${status}`, async () => (await rowOf(town, sale, orderId))?.status === status);

const steps: Record<string, (worker: Worker, sale: Sale, order: OrderCommand) => Step> = {
  'when its row is written': (worker, sale, order) => {
    silenceAbout(order, worker);
    return { reached: isThere(sale, order, 'placed'), letGo: () => undefined };
  },
  'before Reserve': (worker) => hold(worker.inventory, 'reserve', 'there'),
  'after Reserve': (worker) => hold(worker.inventory, 'reserve', 'back'),
  'before Charge': (worker) => hold(worker.payment, 'charge', 'there'),
  'after Charge': (worker) => hold(worker.payment, 'charge', 'back'),
  'before Confirm': (worker) => hold(worker.inventory, 'confirm', 'there'),
  'after Confirm': (worker) => hold(worker.inventory, 'confirm', 'back'),
  'when it is decided': (worker, sale, order) => {
    const confirmed = hold(worker.inventory, 'confirm', 'back');
    const reached = async () => {
      await confirmed.reached();
      silenceAbout(order, worker);
      confirmed.letGo();
      await isThere(sale, order, 'confirmed')();
    };
    return { reached, letGo: () => undefined };
  },
};
const stepsOfADecline: typeof steps = {
  'before Release': (worker) => hold(worker.inventory, 'release', 'there'),
  'after Release': (worker) => hold(worker.inventory, 'release', 'back'),
};

for (const [step, reach] of Object.entries({ ...steps, ...stepsOfADecline })) {
  const end = step in stepsOfADecline ? 'declined' : 'confirmed';

  test(`a worker dies ${step}: the message comes again, to another worker, and the order is ${end} once`, async (t) => {
    const [sale, doomed] = [await town.openSale(1), await workerFor(t)];
    const order = anOrder(sale);
    if (end === 'declined') await town.decline(order);
    const at = reach(doomed, sale, order);
    await town.broker.publish(order);
    await at.reached();

    const successor = await workerFor(t);
    await successor.ready();
    doomed.die();
    at.letGo();
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: end });
    assert.equal((await unitsOf(town, sale)).size, 1);
    assert.equal((await moneyOf(town)).get(order.orderId), end === 'confirmed' ? 'captured' : 'declined');
    await until('the message is done with', async () => (await town.broker.inLine()) === 0);
  });

  test(`a worker dies ${step}, a caller on the line: its row is taken up, and the order is ${end} once`, async (t) => {
    const [sale, doomed] = [await town.openSale(1), await workerFor(t)];
    const order = anOrder(sale);
    if (end === 'declined') await town.decline(order);
    const at = reach(doomed, sale, order);
    const asked = doomed.place(order).catch((error) => error);
    await at.reached();
    await until('the row is there', () => rowOf(town, sale, order.orderId));

    doomed.die();
    at.letGo();
    await workerFor(t, RESUMES);
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: end });
    assert.equal((await unitsOf(town, sale)).size, 1);
    await asked;
  });
}

test('a worker dies with a message in its hand and nothing written: another worker begins', async (t) => {
  const [sale, doomed] = [await town.openSale(1), await workerFor(t)];
  const order = anOrder(sale);
  let died = false;
  doomed.wires.postgres.onRequest((bytes) => {
    if (!bytes.includes(order.orderId)) return;
    doomed.die();
    died = true;
  });
  await town.broker.publish(order);
  await until('it has died', () => died);
  assert.equal(await rowOf(town, sale, order.orderId), undefined);
  await workerFor(t);
  assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'confirmed' });
});

test('a message that comes again after its order was decided changes nothing', async (t) => {
  const [sale, worker] = [await town.openSale(3), await workerFor(t, { LANES: '1' })];
  const [order, last] = [anOrder(sale), anOrder(sale)];
  await town.broker.publish(order);
  const before = await atRest(town, sale, 1);
  await town.broker.publish(order, { ...order, quantity: 2 }, order, last);
  assert.deepEqual(await atRest(town, sale, 2), { ...before, [last.orderId]: 'confirmed' });
  await worker.stop();
  assert.deepEqual(await town.broker.takeAll(), []);
  assert.equal(town.broker.eventsOf(order.orderId).length, 1);
});
