// A worker dies at any step; another carries the order on, by the redelivered message or because the row is left over.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { until } from '../../../infra/testbed/until.ts';
import { anOrder, openTown } from './town.ts';
import { atRest, moneyOf, rowOf, unitsOf } from './truth.ts';
import { hold, RESUMES, startWorker, type Worker } from './worker.ts';

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

/** The database does what it is asked, and the worker never hears of it. */
function silence({ wires: { postgres } }: Worker, statement: string): Step {
  let asked = false;
  postgres.onRequest((bytes) => {
    if (!bytes.includes(`${statement}\0`)) return;
    asked = true;
    postgres.loseAnswers(true);
  });
  return { reached: () => until(`${statement} is asked for`, () => asked), letGo: () => postgres.loseAnswers(false) };
}

const steps: Record<string, (worker: Worker) => Step> = {
  'when its row is written': (worker) => silence(worker, 'place'),
  'before Reserve': (worker) => hold(worker.inventory, 'reserve', 'there'),
  'after Reserve': (worker) => hold(worker.inventory, 'reserve', 'back'),
  'before Charge': (worker) => hold(worker.payment, 'charge', 'there'),
  'after Charge': (worker) => hold(worker.payment, 'charge', 'back'),
  'before Confirm': (worker) => hold(worker.inventory, 'confirm', 'there'),
  'after Confirm': (worker) => hold(worker.inventory, 'confirm', 'back'),
  'when it is decided': (worker) => silence(worker, 'decide'),
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
    const at = reach(doomed);
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
    const at = reach(doomed);
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
    if (!bytes.includes('place\0')) return;
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
  assert.equal(await town.broker.inLine(), 0);
  assert.equal(town.broker.eventsOf(order.orderId).length, 1);
});
