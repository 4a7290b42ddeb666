// What follows the end of an order: no event before its money and its unit are safe, and a worker that dies over it is
// followed by another.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { until } from '../../../infra/until.ts';
import { anOrder, HOLD, openEnvironment, type Sale } from './environment.ts';
import { hold, lose } from './neighbours.ts';
import { atRest, moneyOf, rowOf, unitsOf } from './truth.ts';
import { startWorker, TAKES_UP, type Worker } from './worker.ts';

const environment = await openEnvironment();
after(() => environment.close());

async function workerFor(t: TestContext, env: Record<string, string> = {}) {
  const worker = await startWorker(environment, env);
  t.after(() => worker.stop());
  return worker;
}

/** A charged order past its deadline, while its compensation is held at this call. */
async function compensationHeldAt(worker: Worker, sale: Sale, method: 'void' | 'release', where: 'there' | 'back') {
  const order = anOrder(sale);
  const charging = hold(worker.payment, 'charge', 'back');
  const undoing = hold(method === 'void' ? worker.payment : worker.inventory, method, where);
  void worker.place(order).catch(() => undefined);
  await charging.reached();
  await environment.passDeadline(order.orderId);
  await undoing.reached();
  const letGo = () => {
    charging.letGo();
    undoing.letGo();
  };
  return { order, letGo };
}

for (const [method, where, what] of [
  ['void', 'there', 'the money is not safe'],
  ['release', 'there', 'the unit is not back'],
] as const) {
  test(`an order that ended is not final and no event says so while ${what}`, async (t) => {
    const [worker, sale] = [await workerFor(t), await environment.openSale(1)];
    const { order, letGo } = await compensationHeldAt(worker, sale, method, where);
    const [answer] = await worker.get(order.orderId);
    assert.deepEqual([answer?.status, answer?.reason, answer?.final], ['rejected', 'timed_out', false]);
    assert.equal((await unitsOf(environment, sale)).get(order.orderId), 'held');
    // Events leave in order: one that comes after would have brought it along.
    const other = await environment.openSale(1);
    await worker.place(anOrder(other, { deadlineMs: 0 }));
    await atRest(environment, other, 1);
    assert.equal(environment.broker.eventsOf(order.orderId).length, 0);

    letGo();
    assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal((await worker.get(order.orderId))[0]?.final, true);
  });
}

for (const method of ['void', 'release'] as const) {
  test(`an order whose ${method} fails stays pending, and is compensated when it succeeds`, async (t) => {
    const [worker, sale] = [await workerFor(t, { COMPENSATE_AFTER_MS: '100' }), await environment.openSale(1)];
    const order = anOrder(sale);
    const neighbour = method === 'void' ? worker.payment : worker.inventory;
    const reserved = hold(worker.inventory, 'reserve', 'back');
    const { lost } = lose(neighbour, method, { howMany: 3, where: 'there' });
    const answer = worker.place(order);
    await reserved.reached();
    await environment.passDeadline(order.orderId);
    await until('it has failed once', () => lost() >= 1);
    assert.equal(environment.broker.eventsOf(order.orderId).length, 0);
    assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'timed_out' });
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

  test(`a worker that ended an order and dies ${step} is followed by another, which undoes what is left`, async (t) => {
    const [doomed, sale] = [await workerFor(t), await environment.openSale(1)];
    const { order, letGo } = await compensationHeldAt(doomed, sale, method, where);
    doomed.die();
    letGo();
    assert.equal((await rowOf(environment, sale, order.orderId))?.compensationPending, true);
    await workerFor(t, TAKES_UP);
    assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal((await unitsOf(environment, sale)).get(order.orderId), 'released');
    await until('it is refunded', async () => (await moneyOf(environment)).get(order.orderId) === 'reversed');
  });
}

for (const [what, cancel] of [
  ['cancelled by its buyer', (worker: Worker, order: OrderCommand) => worker.cancel(order)],
  ['given up', (worker: Worker, order: OrderCommand) => worker.giveUp(order)],
] as const) {
  test(`an order ${what} whose compensation fails is answered as pending, and is compensated later`, async (t) => {
    const [worker, sale] = [await workerFor(t, TAKES_UP), await environment.openSale(1, HOLD)];
    const order = anOrder(sale);
    if (what !== 'given up') await worker.place(order);
    const { lost } = lose(worker.payment, 'void', { howMany: 1, where: 'there' });
    const answer = await cancel(worker, order);
    assert.deepEqual([answer.status, answer.final, lost()], ['cancelled', false, 1]);
    await atRest(environment, sale, 1);
    assert.equal((await worker.get(order.orderId))[0]?.final, true);
  });
}

test('an order of which orders lost its row is given up: its event comes only after its unit and its money are back', async (t) => {
  const [worker, sale] = [await workerFor(t), await environment.openSale(1)];
  const order = anOrder(sale);
  assert.equal((await worker.place(order)).status, 'confirmed');
  await atRest(environment, sale, 1);
  // As a database restored from a backup would have it.
  await environment.databases.orders.query('DELETE FROM orders WHERE id = $1', [order.orderId]);
  const releasing = hold(worker.inventory, 'release', 'there');
  const answer = worker.giveUp(order);
  await releasing.reached();
  const row = await rowOf(environment, sale, order.orderId);
  assert.deepEqual([row?.status, row?.reason, row?.compensationPending], ['cancelled', 'given_up', true]);
  assert.deepEqual(
    environment.broker.eventsOf(order.orderId).map(({ status }) => status),
    ['confirmed'],
  );
  releasing.letGo();
  assert.deepEqual([(await answer).status, (await answer).refund], ['cancelled', 'owed']);
  assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'given_up' });
  await until('it is refunded', async () => (await moneyOf(environment)).get(order.orderId) === 'reversed');
});

test('an order whose unit came back and whose row was lost is rejected when it comes again, and takes no unit', async (t) => {
  const [worker, sale] = [await workerFor(t), await environment.openSale(1, HOLD)];
  const order = anOrder(sale);
  await worker.place(order);
  await worker.cancel(order);
  await environment.databases.orders.query('DELETE FROM orders WHERE id = $1', [order.orderId]);
  await environment.broker.publish(order);
  assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'timed_out' });
});

test('an order that ended while its charge was asked for is refunded when the bank has taken the money after all', async (t) => {
  const [worker, sale] = [await workerFor(t), await environment.openSale(1)];
  const order = anOrder(sale);
  await environment.bank.change({ lateRate: 1, lateMs: 1_000 });
  void worker.place(order).catch(() => undefined);
  await until('it is being paid', async () => (await rowOf(environment, sale, order.orderId))?.payRequested);
  await environment.passDeadline(order.orderId);
  assert.deepEqual(await atRest(environment, sale, 1), { [order.orderId]: 'timed_out' });
  await environment.bank.change({ lateRate: 0 });
  await until('nothing is owed', async () => (await worker.get(order.orderId))[0]?.refund !== 'owed');
  assert.notEqual((await moneyOf(environment)).get(order.orderId), 'captured');
});
