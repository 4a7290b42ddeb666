// A caller hangs up: whoever worked for it stops and undoes nothing, and its order is carried on or closed like any other.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { Metadata } from '@grpc/grpc-js';
import { until } from '../../../infra/until.ts';
import { hold, listen } from './neighbours.ts';
import { anOrder, openTown } from './town.ts';
import { atRest, moneyOf, rowOf, unitsOf } from './truth.ts';
import { RESUMES, startWorker, type Worker } from './worker.ts';

const town = await openTown();
after(() => town.close());

async function workerFor(t: TestContext, env: Record<string, string> = {}) {
  const worker = await startWorker(town, env);
  t.after(() => worker.stop());
  return worker;
}

/** Places it, and hangs up when its unit is reserved; resolves when the worker knows. */
async function hangUpAfterReserve(worker: Worker, order: OrderCommand) {
  const held = hold(worker.inventory, 'reserve', 'back');
  const call = worker.client.placeOrder(
    { command: order },
    new Metadata(),
    { deadline: Date.now() + 60_000 },
    () => {},
  );
  await held.reached();
  call.cancel();
  // On the same connection, so it arrives after the hang-up.
  await worker.get(order.orderId);
  held.letGo();
}

/** With room for one call at a time: taken when the one before has ended. */
const afterThat = (worker: Worker, order: OrderCommand) =>
  until('the call before has ended', () => worker.place(order));

test('a caller hangs up before Charge: the worker stops and undoes nothing, and its time closes the order', async (t) => {
  const worker = await workerFor(t, { MAX_DIRECT_IN_FLIGHT: '1' });
  const [sale, other] = [await town.openSale(1), await town.openSale(1)];
  const order = anOrder(sale);
  const charged = listen<{ items: { orderId: string }[] }>(worker.payment, 'charge');
  const released = listen(worker.inventory, 'release');
  await hangUpAfterReserve(worker, order);
  await afterThat(worker, anOrder(other));

  assert.ok(charged.every(({ items }) => items.every(({ orderId }) => orderId !== order.orderId)));
  assert.equal(released.length, 0);
  assert.equal((await rowOf(town, sale, order.orderId))?.status, 'placed');
  assert.equal((await unitsOf(town, sale)).get(order.orderId), 'held');

  await town.timeIsUp(order.orderId);
  assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'timed_out' });
  assert.equal((await moneyOf(town)).get(order.orderId), undefined);
  assert.equal((await worker.place(anOrder(sale))).status, 'confirmed');
});

test('a caller hangs up while another worker carries the same order on: that one has it confirmed', async (t) => {
  const [gone, other] = [await workerFor(t, { MAX_DIRECT_IN_FLIGHT: '1' }), await workerFor(t)];
  const [sale, elsewhere] = [await town.openSale(1), await town.openSale(1)];
  const order = anOrder(sale);
  const charging = hold(other.payment, 'charge', 'back');
  const answer = other.place(order);
  await charging.reached();
  await hangUpAfterReserve(gone, order);
  await afterThat(gone, anOrder(elsewhere));
  charging.letGo();
  assert.equal((await answer).status, 'confirmed');
  assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'confirmed' });
});

test('a row whose caller is gone is carried to its end by orders itself', async (t) => {
  const worker = await workerFor(t, RESUMES);
  const sale = await town.openSale(1);
  const order = anOrder(sale);
  await hangUpAfterReserve(worker, order);
  assert.deepEqual(await atRest(town, sale, 1), { [order.orderId]: 'confirmed' });
});
