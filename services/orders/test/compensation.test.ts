// After the end of an order: no event before its money and its unit are safe, and a worker that dies over it is
// followed by another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { anOrder, HOLD } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { type OpenSale, openEnvironment, TAKES_UP, type Worker } from './environment.ts';

const { atRest, bank, broker, moneyOf, openSale, passDeadline, rowOf, startWorker, stores, unitsOf } =
  await openEnvironment();

/** A charged order past its deadline, while its compensation is held at this call. */
async function compensationHeldAt(worker: Worker, sale: OpenSale, method: 'void' | 'release', where: 'there' | 'back') {
  const order = anOrder(sale);
  const charging = worker.payment.hold('charge', 'back');
  const undoing = (method === 'void' ? worker.payment : worker.inventory).hold(method, where);
  void worker.place(order).catch(() => undefined);
  await charging.reached();
  await passDeadline(order.orderId);
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
    const [worker, sale] = [await startWorker({}, t), await openSale(1)];
    const { order, letGo } = await compensationHeldAt(worker, sale, method, where);
    const [response] = await worker.get(order.orderId);
    assert.deepEqual([response?.status, response?.reason, response?.final], ['rejected', 'timed_out', false]);
    assert.equal((await unitsOf(sale)).get(order.orderId), 'held');
    // Events leave in order: one that comes after would have brought it along.
    const other = await openSale(1);
    await worker.place(anOrder(other, { deadlineMs: 0 }));
    await atRest(other, 1);
    assert.equal(broker.eventsOf(order.orderId).length, 0);

    letGo();
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal((await worker.get(order.orderId))[0]?.final, true);
  });
}

for (const method of ['void', 'release'] as const) {
  test(`an order whose ${method} fails stays pending, and is compensated when it succeeds`, async (t) => {
    const [worker, sale] = [await startWorker({ COMPENSATE_AFTER_MS: '100' }, t), await openSale(1)];
    const order = anOrder(sale);
    const neighbour = method === 'void' ? worker.payment : worker.inventory;
    const reserved = worker.inventory.hold('reserve', 'back');
    const { lost } = neighbour.lose(method, { howMany: 3, where: 'there' });
    const response = worker.place(order);
    await reserved.reached();
    await passDeadline(order.orderId);
    await until('it has failed once', () => lost() >= 1);
    assert.equal(broker.eventsOf(order.orderId).length, 0);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal(lost(), 3);
    reserved.letGo();
    assert.equal((await response).reason, 'timed_out');
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
    const [doomed, sale] = [await startWorker({}, t), await openSale(1)];
    const { order, letGo } = await compensationHeldAt(doomed, sale, method, where);
    doomed.die();
    letGo();
    assert.equal((await rowOf(sale, order.orderId))?.compensationPending, true);
    await startWorker(TAKES_UP, t);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
    assert.equal((await unitsOf(sale)).get(order.orderId), 'released');
    await until('it is refunded', async () => (await moneyOf()).get(order.orderId) === 'reversed');
  });
}

for (const [what, cancel] of [
  ['cancelled by its buyer', (worker: Worker, order: OrderCommand) => worker.cancel(order)],
  ['given up', (worker: Worker, order: OrderCommand) => worker.giveUp(order)],
] as const) {
  test(`an order ${what} whose compensation fails is reported as pending, and is compensated later`, async (t) => {
    const [worker, sale] = [await startWorker(TAKES_UP, t), await openSale(1, HOLD)];
    const order = anOrder(sale);
    if (what !== 'given up') await worker.place(order);
    const { lost } = worker.payment.lose('void', { howMany: 1, where: 'there' });
    const response = await cancel(worker, order);
    assert.deepEqual([response.status, response.final, lost()], ['cancelled', false, 1]);
    await atRest(sale, 1);
    assert.equal((await worker.get(order.orderId))[0]?.final, true);
  });
}

test('an order of which orders lost its row is given up: its event comes only after its unit and its money are back', async (t) => {
  const [worker, sale] = [await startWorker({}, t), await openSale(1)];
  const order = anOrder(sale);
  assert.equal((await worker.place(order)).status, 'confirmed');
  await atRest(sale, 1);
  // As a database restored from a backup would have it.
  await stores.orders.query('DELETE FROM orders WHERE id = $1', [order.orderId]);
  const releasing = worker.inventory.hold('release', 'there');
  const response = worker.giveUp(order);
  await releasing.reached();
  const row = await rowOf(sale, order.orderId);
  assert.deepEqual([row?.status, row?.reason, row?.compensationPending], ['cancelled', 'given_up', true]);
  assert.deepEqual(
    broker.eventsOf(order.orderId).map(({ status }) => status),
    ['confirmed'],
  );
  releasing.letGo();
  assert.deepEqual([(await response).status, (await response).refund], ['cancelled', 'owed']);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'given_up' });
  await until('it is refunded', async () => (await moneyOf()).get(order.orderId) === 'reversed');
});

test('an order whose unit came back and whose row was lost is rejected when it comes again, and takes no unit', async (t) => {
  const [worker, sale] = [await startWorker({}, t), await openSale(1, HOLD)];
  const order = anOrder(sale);
  await worker.place(order);
  await worker.cancel(order);
  await stores.orders.query('DELETE FROM orders WHERE id = $1', [order.orderId]);
  await broker.publish(order);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
});

test('an order that ended during its charge is refunded when the bank has taken the money after all', async (t) => {
  const [worker, sale] = [await startWorker({}, t), await openSale(1)];
  const order = anOrder(sale);
  await bank.change({ lateRate: 1, lateMs: 1_000 });
  void worker.place(order).catch(() => undefined);
  await until('it is being paid', async () => (await rowOf(sale, order.orderId))?.payRequested);
  await passDeadline(order.orderId);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  await bank.change({ lateRate: 0 });
  await until('nothing is owed', async () => (await worker.get(order.orderId))[0]?.refund !== 'owed');
  assert.notEqual((await moneyOf()).get(order.orderId), 'captured');
});
