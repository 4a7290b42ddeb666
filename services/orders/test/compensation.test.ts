// What follows a decision that others may have worked against: nobody hears of it before the money and the unit are safe,
// and whoever dies over it is followed by another.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { hold, lose } from './neighbours.ts';
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

/** A charged order whose time is up, while its closing is held at this call. */
async function closingHeldAt(worker: Worker, sale: Sale, method: 'void' | 'release', where: 'there' | 'back') {
  const order = anOrder(sale);
  const charging = hold(worker.payment, 'charge', 'back');
  const closing = hold(method === 'void' ? worker.payment : worker.inventory, method, where);
  void worker.place(order).catch(() => undefined);
  await charging.reached();
  await town.timeIsUp(order.orderId);
  await closing.reached();
  const letGo = () => {
    charging.letGo();
    closing.letGo();
  };
  return { order, letGo };
}

for (const [method, where, what] of [
  ['void', 'there', 'the money is not safe'],
  ['release', 'there', 'the unit is not back'],
] as const) {
  test(`an order that ended is not settled and no event tells of it while ${what}`, async (t) => {
    const [worker, sale] = [await workerFor(t), await town.openSale(1)];
    const { order, letGo } = await closingHeldAt(worker, sale, method, where);
    const [answer] = await worker.get(order.orderId);
    assert.deepEqual([answer?.status, answer?.reason, answer?.settled], ['rejected', 'timed_out', false]);
    assert.equal((await unitsOf(town, sale)).get(order.orderId), 'held');
    // Events leave in order: one that comes after would have brought it along.
    const other = await town.openSale(1);
    await worker.place(anOrder(other, { decideByMs: 0 }));
    await atRest(town, other, 1);
    assert.equal(town.broker.eventsOf(order.orderId).length, 0);

    letGo();
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal((await worker.get(order.orderId))[0]?.settled, true);
  });
}

for (const method of ['void', 'release'] as const) {
  test(`an order whose ${method} fails stays open, and is closed when it succeeds`, async (t) => {
    const [worker, sale] = [await workerFor(t, { RESUME_AFTER_MS: '100' }), await town.openSale(1)];
    const order = anOrder(sale);
    const neighbour = method === 'void' ? worker.payment : worker.inventory;
    const reserved = hold(worker.inventory, 'reserve', 'back');
    const { lost } = lose(neighbour, method, { howMany: 3, where: 'there' });
    const answer = worker.place(order);
    await reserved.reached();
    await town.timeIsUp(order.orderId);
    await until('it has failed once', () => lost() >= 1);
    assert.equal(town.broker.eventsOf(order.orderId).length, 0);
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal(lost(), 3);
    reserved.letGo();
    assert.equal((await answer).reason, 'timed_out');
  });
}

for (const [method, where] of [
  ['void', 'there'],
  ['void', 'back'],
  ['release', 'there'],
  ['release', 'back'],
] as const) {
  const step = `${where === 'there' ? 'before' : 'after'} ${method === 'void' ? 'Void' : 'Release'}`;

  test(`a worker that decided and dies ${step} is followed by another, which undoes what is left`, async (t) => {
    const [doomed, sale] = [await workerFor(t), await town.openSale(1)];
    const { order, letGo } = await closingHeldAt(doomed, sale, method, where);
    doomed.die();
    letGo();
    assert.equal((await rowOf(town, sale, order.orderId))?.open, true);
    await workerFor(t, RESUMES);
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal((await unitsOf(town, sale)).get(order.orderId), 'released');
    await until('it is refunded', async () => (await moneyOf(town)).get(order.orderId) === 'reversed');
  });
}
