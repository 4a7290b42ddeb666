// Every order has a time by which it is decided: coming later it is refused, and undecided then it is closed,
// whoever is at work on it, at whatever step.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { hold } from './neighbours.ts';
import { anOrder, openTown } from './town.ts';
import { atRest, moneyOf, rowOf, unitsOf } from './truth.ts';
import { startWorker } from './worker.ts';

const town = await openTown();
// Its calls wait until a test lets them go, and with one lane the next order is begun when the one before is done with.
const worker = await startWorker(town, { LANES: '1' });
after(async () => {
  await worker.stop();
  await town.close();
});

test('an order that comes after its time is rejected, with an event, and nobody else hears of it', async () => {
  const sale = await town.openSale(2);
  const [queued, direct] = [anOrder(sale, { decideByMs: Date.now() }), anOrder(sale, { decideByMs: 0 })];
  await town.broker.publish(queued);
  const { status, reason, settled } = await worker.place(direct);
  assert.deepEqual([status, reason, settled], ['rejected', 'timed_out', true]);
  assert.deepEqual(await atRest(town, sale, 2), { [queued.orderId]: 'timed_out', [direct.orderId]: 'timed_out' });
  assert.equal((await unitsOf(town, sale)).size, 0);
  assert.equal(town.broker.eventsOf(queued.orderId)[0]?.reason, 'timed_out');
});

const steps = ['reserve', 'charge', 'confirm'].flatMap((method) =>
  (['there', 'back'] as const).map((where) => ({
    method,
    where,
    at: `${where === 'there' ? 'before' : 'after'} ${method}`,
  })),
);
for (const { method, where, at } of steps) {
  test(`the time of an order is up while its worker is ${at}: closed, and what the worker still does is undone`, async () => {
    const sale = await town.openSale(1);
    const order = anOrder(sale);
    const held = hold(method === 'charge' ? worker.payment : worker.inventory, method, where);
    await town.broker.publish(order);
    await held.reached();
    await town.timeIsUp(order.orderId);
    assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'timed_out' });
    const closed = await rowOf(town, sale, order.orderId);

    const next = anOrder(sale);
    await town.broker.publish(next);
    held.letGo();
    assert.deepEqual(await atRest(town, sale, 2), { [order.orderId]: 'timed_out', [next.orderId]: 'confirmed' });
    assert.deepEqual(await rowOf(town, sale, order.orderId), closed);
    assert.equal((await unitsOf(town, sale)).get(order.orderId), 'released');
    assert.equal(town.broker.eventsOf(order.orderId).length, 1);
  });
}

test('the money that the bank had taken when the time was up is given back', async () => {
  const sale = await town.openSale(1);
  const order = anOrder(sale);
  const held = hold(worker.payment, 'charge', 'back');
  await town.broker.publish(order);
  await held.reached();
  assert.equal((await moneyOf(town)).get(order.orderId), 'captured');
  await town.timeIsUp(order.orderId);
  await until('it is refunded', async () => (await moneyOf(town)).get(order.orderId) === 'reversed');
  held.letGo();
  assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'timed_out' });
});

test('the time of an order that is decided means nothing any more', async () => {
  const sale = await town.openSale(2);
  const [order, late] = [anOrder(sale), anOrder(sale)];
  await worker.place(order);
  await town.timeIsUp(order.orderId);
  const held = hold(worker.inventory, 'reserve', 'there');
  await town.broker.publish(late);
  await held.reached();
  await town.timeIsUp(late.orderId);
  assert.deepEqual(await atRest(town, sale, 2), { [order.orderId]: 'confirmed', [late.orderId]: 'timed_out' });
  held.letGo();
});
