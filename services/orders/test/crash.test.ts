// A worker dies at any step. On the queued path a message brings the order to another; on the direct path its deadline
// ends it. A compensation that it left pending is taken up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { anOrder } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { type OpenSale, openEnvironment, TAKES_UP, type Worker } from './environment.ts';

const { atRest, broker, decline, moneyOf, openSale, passDeadline, rowOf, startWorker, unitsOf } =
  await openEnvironment();

interface Step {
  reached(): Promise<unknown>;
  letGo(): void;
}

/** The database runs the next statement about this order, and its response never reaches the worker. */
function silenceAbout(order: OrderCommand, { wires: { postgres } }: Worker) {
  postgres.onRequest((bytes) => bytes.includes(order.orderId) && postgres.loseResponses(true));
}

const isThere =
  (sale: OpenSale, { orderId }: OrderCommand, status: string) =>
  () =>
    until(`its row is ${status}`, async () => (await rowOf(sale, orderId))?.status === status);

/** Held after this call; then its next statement is run, and the response never reaches the worker. */
const whenItIs =
  (expected: string, method: 'reserve' | 'confirm') =>
  (worker: Worker, sale: OpenSale, order: OrderCommand): Step => {
    const held = worker.inventory.hold(method, 'back');
    const reached = async () => {
      await held.reached();
      silenceAbout(order, worker);
      held.letGo();
      await isThere(sale, order, expected)();
    };
    return { reached, letGo: () => undefined };
  };

const steps: Record<string, (worker: Worker, sale: OpenSale, order: OrderCommand) => Step> = {
  'when its row is written': (worker, sale, order) => {
    silenceAbout(order, worker);
    return { reached: isThere(sale, order, 'placed'), letGo: () => undefined };
  },
  'before Reserve': (worker) => worker.inventory.hold('reserve', 'there'),
  'after Reserve': (worker) => worker.inventory.hold('reserve', 'back'),
  'when it is reserved': whenItIs('reserved', 'reserve'),
  'before Charge': (worker) => worker.payment.hold('charge', 'there'),
  'after Charge': (worker) => worker.payment.hold('charge', 'back'),
  'before Confirm': (worker) => worker.inventory.hold('confirm', 'there'),
  'after Confirm': (worker) => worker.inventory.hold('confirm', 'back'),
  'when it is confirmed': whenItIs('confirmed', 'confirm'),
};
const stepsOfADecline: typeof steps = {
  'before Void': (worker) => worker.payment.hold('void', 'there'),
  'after Void': (worker) => worker.payment.hold('void', 'back'),
  'before Release': (worker) => worker.inventory.hold('release', 'there'),
  'after Release': (worker) => worker.inventory.hold('release', 'back'),
};

for (const [step, reach] of Object.entries({ ...steps, ...stepsOfADecline })) {
  const end = step in stepsOfADecline ? 'declined' : 'confirmed';

  test(`a worker dies ${step}: another goes on from the message or the row, and the order is ${end} once`, async (t) => {
    const [sale, doomed] = [await openSale(1), await startWorker({}, t)];
    const order = anOrder(sale);
    if (end === 'declined') await decline(order);
    const at = reach(doomed, sale, order);
    await broker.publish(order);
    await at.reached();

    await startWorker(TAKES_UP, t);
    doomed.die();
    at.letGo();
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: end });
    assert.equal((await unitsOf(sale)).size, 1);
    assert.equal((await moneyOf()).get(order.orderId), end === 'confirmed' ? 'captured' : 'declined');
    await until('the message is done with', async () => (await broker.inLine()) === 0);
  });

  const directEnd = end === 'declined' || step === 'when it is confirmed' ? end : 'timed_out';
  test(`a worker dies ${step}, a caller waiting: the order is not carried on, and it is ${directEnd}`, async (t) => {
    const [sale, doomed] = [await openSale(1), await startWorker({}, t)];
    const order = anOrder(sale);
    if (end === 'declined') await decline(order);
    const at = reach(doomed, sale, order);
    const calling = doomed.place(order).catch((error) => error);
    await at.reached();
    await until('the row is there', () => rowOf(sale, order.orderId));

    doomed.die();
    at.letGo();
    await startWorker(TAKES_UP, t);
    await passDeadline(order.orderId);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: directEnd });
    assert.equal((await unitsOf(sale)).size, 1);
    await calling;
  });
}

test('a worker dies with a message in its hand and nothing written: another worker begins', async (t) => {
  const [sale, doomed] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  let died = false;
  doomed.wires.postgres.onRequest((bytes) => {
    if (!bytes.includes(order.orderId)) return;
    doomed.die();
    died = true;
  });
  await broker.publish(order);
  await until('it has died', () => died);
  assert.equal(await rowOf(sale, order.orderId), undefined);
  await startWorker({}, t);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('a message that comes again after its order was decided changes nothing', async (t) => {
  const [sale, worker] = [await openSale(3), await startWorker({ LANES: '1' }, t)];
  const [order, last] = [anOrder(sale), anOrder(sale)];
  await broker.publish(order);
  const before = await atRest(sale, 1);
  await broker.publish(order, { ...order, quantity: 2 }, order, last);
  assert.deepEqual(await atRest(sale, 2), { ...before, [last.orderId]: 'confirmed' });
  await worker.stop();
  assert.deepEqual(await broker.takeAll(), []);
  assert.equal(broker.eventsOf(order.orderId).length, 1);
});
