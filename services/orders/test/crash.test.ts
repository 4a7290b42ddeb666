// A worker dies at any step. On the queued path a message brings the order to another; on the direct path its deadline
// ends it. A compensation that it left pending is taken up.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { until } from '../../../infra/until.ts';
import { anOrder, openEnvironment, type Sale } from './environment.ts';
import { hold } from './neighbours.ts';
import { atRest, moneyOf, rowOf, unitsOf } from './truth.ts';
import { startWorker, TAKES_UP, type Worker } from './worker.ts';

const environment = await openEnvironment();
after(() => environment.close());

async function workerFor(t: TestContext, env: Record<string, string> = {}) {
  const worker = await startWorker(environment, env);
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
    until(`its row is ${status}`, async () => (await rowOf(environment, sale, orderId))?.status === status);

/** Held after this call, its next statement is made and the worker never hears of it. */
const whenItIs =
  (wanted: string, method: 'reserve' | 'confirm') =>
  (worker: Worker, sale: Sale, order: OrderCommand): Step => {
    const held = hold(worker.inventory, method, 'back');
    const reached = async () => {
      await held.reached();
      silenceAbout(order, worker);
      held.letGo();
      await isThere(sale, order, wanted)();
    };
    return { reached, letGo: () => undefined };
  };

const steps: Record<string, (worker: Worker, sale: Sale, order: OrderCommand) => Step> = {
  'when its row is written': (worker, sale, order) => {
    silenceAbout(order, worker);
    return { reached: isThere(sale, order, 'placed'), letGo: () => undefined };
  },
  'before Reserve': (worker) => hold(worker.inventory, 'reserve', 'there'),
  'after Reserve': (worker) => hold(worker.inventory, 'reserve', 'back'),
  'when it is reserved': whenItIs('reserved', 'reserve'),
  'before Charge': (worker) => hold(worker.payment, 'charge', 'there'),
  'after Charge': (worker) => hold(worker.payment, 'charge', 'back'),
  'before Confirm': (worker) => hold(worker.inventory, 'confirm', 'there'),
  'after Confirm': (worker) => hold(worker.inventory, 'confirm', 'back'),
  'when it is confirmed': whenItIs('confirmed', 'confirm'),
};
const stepsOfADecline: typeof steps = {
  'before Void': (worker) => hold(worker.payment, 'void', 'there'),
  'after Void': (worker) => hold(worker.payment, 'void', 'back'),
  'before Release': (worker) => hold(worker.inventory, 'release', 'there'),
  'after Release': (worker) => hold(worker.inventory, 'release', 'back'),
};

for (const [step, reach] of Object.entries({ ...steps, ...stepsOfADecline })) {
  const end = step in stepsOfADecline ? 'declined' : 'confirmed';

  test(`a worker dies ${step}: another goes on from the message or the row, and the order is ${end} once`, async (t) => {
    const [sale, doomed] = [await environment.openSale(1), await workerFor(t)];
    const order = anOrder(sale);
    if (end === 'declined') await environment.decline(order);
    const at = reach(doomed, sale, order);
    await environment.broker.publish(order);
    await at.reached();

    const successor = await workerFor(t, TAKES_UP);
    await successor.ready();
    doomed.die();
    at.letGo();
    assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: end });
    assert.equal((await unitsOf(environment, sale)).size, 1);
    assert.equal((await moneyOf(environment)).get(order.orderId), end === 'confirmed' ? 'captured' : 'declined');
    await until('the message is done with', async () => (await environment.broker.inLine()) === 0);
  });

  const directEnd = end === 'declined' || step === 'when it is confirmed' ? end : 'timed_out';
  test(`a worker dies ${step}, a caller on the line: nobody carries the order on, and it is ${directEnd}`, async (t) => {
    const [sale, doomed] = [await environment.openSale(1), await workerFor(t)];
    const order = anOrder(sale);
    if (end === 'declined') await environment.decline(order);
    const at = reach(doomed, sale, order);
    const asked = doomed.place(order).catch((error) => error);
    await at.reached();
    await until('the row is there', () => rowOf(environment, sale, order.orderId));

    doomed.die();
    at.letGo();
    await workerFor(t, TAKES_UP);
    await environment.passDeadline(order.orderId);
    assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: directEnd });
    assert.equal((await unitsOf(environment, sale)).size, 1);
    await asked;
  });
}

test('a worker dies with a message in its hand and nothing written: another worker begins', async (t) => {
  const [sale, doomed] = [await environment.openSale(1), await workerFor(t)];
  const order = anOrder(sale);
  let died = false;
  doomed.wires.postgres.onRequest((bytes) => {
    if (!bytes.includes(order.orderId)) return;
    doomed.die();
    died = true;
  });
  await environment.broker.publish(order);
  await until('it has died', () => died);
  assert.equal(await rowOf(environment, sale, order.orderId), undefined);
  await workerFor(t);
  assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'confirmed' });
});

test('a message that comes again after its order was decided changes nothing', async (t) => {
  const [sale, worker] = [await environment.openSale(3), await workerFor(t, { LANES: '1' })];
  const [order, last] = [anOrder(sale), anOrder(sale)];
  await environment.broker.publish(order);
  const before = await atRest(environment, sale, 1);
  await environment.broker.publish(order, { ...order, quantity: 2 }, order, last);
  assert.deepEqual(await atRest(environment, sale, 2), { ...before, [last.orderId]: 'confirmed' });
  await worker.stop();
  assert.deepEqual(await environment.broker.takeAll(), []);
  assert.equal(environment.broker.eventsOf(order.orderId).length, 1);
});
