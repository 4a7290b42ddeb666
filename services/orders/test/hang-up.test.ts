// A caller hangs up: its order is dropped where it is, nothing is undone, and its deadline ends it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { Metadata } from '@grpc/grpc-js';
import { anOrder } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment, type Worker } from './environment.ts';
import { asCommand } from './worker.ts';

const { atRest, moneyOf, openSale, passDeadline, rowOf, startWorker, unitsOf } = await openEnvironment();

/** Places it, and hangs up while this call is held; resolves when the worker knows. */
async function hangUp(worker: Worker, order: OrderCommand, method: 'reserve' | 'confirm') {
  const held = worker.inventory.hold(method, 'back');
  const deadline = Date.now() + 60_000;
  const call = worker.client.placeOrder({ command: asCommand(order) }, new Metadata(), { deadline }, () => {});
  await held.reached();
  call.cancel();
  // On the same connection, so it arrives after the hang-up.
  await worker.get(order.orderId);
  held.letGo();
}

/** With room for one call at a time: taken when the one before has ended. */
const afterThat = (worker: Worker, order: OrderCommand) =>
  until('the call before has ended', () => worker.place(order));

test('a caller hangs up before Charge: the worker stops and undoes nothing, and the deadline ends the order', async (t) => {
  const worker = await startWorker({ MAX_DIRECT_IN_FLIGHT: '1' }, t);
  const [sale, other] = [await openSale(1), await openSale(1)];
  const order = anOrder(sale);
  const charged = worker.payment.listen<{ items: { orderId: string }[] }>('charge');
  const released = worker.inventory.listen('release');
  await hangUp(worker, order, 'reserve');
  await afterThat(worker, anOrder(other));

  assert.ok(charged.every(({ items }) => items.every(({ orderId }) => orderId !== order.orderId)));
  assert.equal(released.length, 0);
  const row = await rowOf(sale, order.orderId);
  assert.deepEqual([row?.status, row?.compensationPending], ['reserved', false]);
  assert.equal((await unitsOf(sale)).get(order.orderId), 'held');

  await passDeadline(order.orderId);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
  assert.equal((await moneyOf()).get(order.orderId), undefined);
  assert.equal((await worker.place(anOrder(sale))).status, 'confirmed');
});

test('a caller hangs up while another worker carries the same order on: that one has it confirmed', async (t) => {
  const [gone, other] = [await startWorker({ MAX_DIRECT_IN_FLIGHT: '1' }, t), await startWorker({}, t)];
  const [sale, elsewhere] = [await openSale(1), await openSale(1)];
  const order = anOrder(sale);
  const charging = other.payment.hold('charge', 'back');
  const response = other.place(order);
  await charging.reached();
  // The row is reserved, so this one begins with the payment.
  await hangUp(gone, order, 'confirm');
  await afterThat(gone, anOrder(elsewhere));
  charging.letGo();
  assert.equal((await response).status, 'confirmed');
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});
