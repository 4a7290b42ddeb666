// Every order has a deadline: coming later it is refused, and undecided then it is ended, whichever worker is at work on
// it, at whatever step, or none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anOrder, HOLD, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment, TAKES_UP } from './environment.ts';

const { atRest, bank, broker, moneyOf, openSale, passDeadline, rowOf, rowsOf, startWorker, stockOf, stores, unitsOf } =
  await openEnvironment();
// Its calls wait until a test lets them go, and with one lane the next order is begun when the one before is done with.
const worker = await startWorker({ LANES: '1' });

test('an order that comes after its deadline is rejected, with an event, and inventory never receives it', async () => {
  const sale = await openSale(2);
  const [queued, direct] = [anOrder(sale, { deadlineMs: Date.now() }), anOrder(sale, { deadlineMs: 0 })];
  await broker.publish(queued);
  const { status, reason, final } = await worker.place(direct);
  assert.deepEqual([status, reason, final], ['rejected', 'timed_out', true]);
  const ends = { [queued.orderId]: 'timed_out', [direct.orderId]: 'timed_out' };
  assert.deepEqual(await atRest(sale, 2), ends);
  assert.equal((await unitsOf(sale)).size, 0);
  assert.equal(broker.eventsOf(queued.orderId)[0]?.reason, 'timed_out');
});

test('a date that no calendar has fails no batch', async () => {
  const sale = await openSale(2);
  const orders = [anOrder(sale, { deadlineMs: Number.MAX_SAFE_INTEGER }), anOrder(sale)];
  await broker.publish(...orders);
  assert.deepEqual(Object.values(await atRest(sale, 2)), ['confirmed', 'confirmed']);
});

const steps = ['reserve', 'charge', 'confirm'].flatMap((method) =>
  (['there', 'back'] as const).map((where) => ({
    method,
    where,
    at: `${where === 'there' ? 'before' : 'after'} ${method}`,
  })),
);
for (const { method, where, at } of steps) {
  test(`the deadline of an order passes while its worker is ${at}: it ends, and what the worker still does is undone`, async () => {
    const sale = await openSale(1);
    const order = anOrder(sale);
    const held = (method === 'charge' ? worker.payment : worker.inventory).hold(method, where);
    await broker.publish(order);
    await held.reached();
    await passDeadline(order.orderId);
    assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });

    const next = anOrder(sale);
    await broker.publish(next);
    held.letGo();
    const ends = { [order.orderId]: 'timed_out', [next.orderId]: 'confirmed' };
    assert.deepEqual(await atRest(sale, 2), ends);
    assert.equal((await unitsOf(sale)).get(order.orderId), 'released');
    const events = broker.eventsOf(order.orderId).filter(({ refund }) => refund !== 'done');
    assert.equal(events.length, 1);
  });
}

test('the money that the bank had taken when the deadline passed is given back', async () => {
  const sale = await openSale(1);
  const order = anOrder(sale);
  const held = worker.payment.hold('charge', 'back');
  await broker.publish(order);
  await held.reached();
  assert.equal((await moneyOf()).get(order.orderId), 'captured');
  await passDeadline(order.orderId);
  await until('it is refunded', async () => (await moneyOf()).get(order.orderId) === 'reversed');
  held.letGo();
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
});

test('the deadline of an order that is decided means nothing any more', async () => {
  const sale = await openSale(2);
  const [order, late] = [anOrder(sale), anOrder(sale)];
  await worker.place(order);
  await passDeadline(order.orderId);
  const held = worker.inventory.hold('reserve', 'there');
  await broker.publish(late);
  await held.reached();
  await passDeadline(late.orderId);
  const ends = { [order.orderId]: 'confirmed', [late.orderId]: 'timed_out' };
  assert.deepEqual(await atRest(sale, 2), ends);
  held.letGo();
});

test('a row that no worker and no message carries on is ended by its deadline', async (t) => {
  const doomed = await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale, { deadlineMs: Date.now() + 3_000 });
  const held = doomed.inventory.hold('reserve', 'back');
  const response = doomed.place(order).catch((error) => error);
  await held.reached();
  doomed.die();
  held.letGo();
  await response;
  assert.deepEqual([(await rowOf(sale, order.orderId))?.status], ['placed']);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  assert.equal((await stockOf(sale)).available, 1);
});

/** So many holds past their deadline, more than one run of the job takes. */
async function holdsPastDeadline(howMany: number) {
  const sale = await openSale(howMany, HOLD);
  await broker.publish(...times(howMany, () => anOrder(sale)));
  await until('all are reserved', async () => {
    const rows = await rowsOf(sale);
    return rows.length === howMany && rows.every(({ status }) => status === 'reserved');
  });
  await stores.orders.query('UPDATE orders SET deadline = now() WHERE sale_id = $1', [sale.id]);
  return sale;
}

test('while a bank hangs, orders are timed out all the same, and their units and tickets come back', async (t) => {
  const [sale, paying] = [await openSale(5), await startWorker(TAKES_UP, t)];
  await bank.change({ lateRate: 1, lateMs: 60_000 });
  t.after(() => bank.change({ lateRate: 0 }));
  await broker.publish(...times(5, () => anOrder(sale)));
  await until('all are being paid', async () => {
    const rows = await rowsOf(sale);
    return rows.length === 5 && rows.every(({ payRequested }) => payRequested);
  });
  await stores.orders.query('UPDATE orders SET deadline = now() WHERE sale_id = $1', [sale.id]);
  const holds = await holdsPastDeadline(450);
  await until('every unit is back', async () => {
    const [of, ofHolds] = [await stockOf(sale), await stockOf(holds)];
    return of.available === 5 && ofHolds.available === 450;
  });
  const rows = [...(await rowsOf(sale)), ...(await rowsOf(holds))];
  assert.deepEqual([...new Set(rows.map(({ status }) => status))].sort(), ['expired', 'rejected']);
  await until('an event for each', () => rows.every(({ orderId }) => broker.eventsOf(orderId).length > 0));
  await paying.stop();
});

test('while payment hangs, orders are timed out all the same, and compensated when it is back', async (t) => {
  const workers = [worker, await startWorker(TAKES_UP, t)];
  const hanging = workers.map(({ payment }) => payment.hold('void', 'there'));
  const sale = await holdsPastDeadline(1_250);
  await until('all are expired', async () => (await rowsOf(sale)).every(({ status }) => status === 'expired'));
  assert.ok((await rowsOf(sale)).every(({ compensationPending }) => compensationPending));
  assert.equal((await stockOf(sale)).available, 0);
  for (const { letGo } of hanging) letGo();
  assert.deepEqual(new Set(Object.values(await atRest(sale, 1_250))), new Set(['expired']));
});
