// The process: what it needs, and how it ends, requested or not.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { OrdersServiceClient } from '@flashsale/contracts/orders';
import { call, connectTo } from '@flashsale/rpc/client';
import { Registry } from '@prometheus-io/client';
import { spawnService } from '../../../infra/testbed/process.ts';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import type { Env } from '../../../infra/testbed/services.ts';
import { surround } from '../../../infra/testbed/worker.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment, TAKES_UP } from './environment.ts';
import { asCommand } from './worker.ts';

const { atRest, broker, namespace, openSale, passDeadline, rowOf, rowsOf, services, startWorker } =
  await openEnvironment();

async function spawnOrders(t: TestContext, env: Env = {}) {
  const { letGo, close, ...around } = await surround({ namespace, services });
  const timeouts = { RPC_DEADLINE_MS: '60000', CHARGE_TIMEOUT_MS: '60000' };
  const orders = spawnService(t, 'orders', { GRPC_PORT: '0', ...around.env, ...timeouts, ...env });
  t.after(() => {
    letGo();
    return close();
  });
  const { address, ready } = await orders.listening();
  await ready();
  const client = connectTo(OrdersServiceClient, address, { retries: 'never', registry: new Registry() });
  t.after(() => client.close());
  return { ...around, ...orders, client };
}

test('a bad environment ends it with one message that names every bad variable and shows no value', async (t) => {
  const { exit, stderr } = spawnService(t, 'orders', {
    GRPC_PORT: 'many',
    DATABASE_URL: 'mysql://root:hunter2@db/orders',
    AMQP_URL: 'http://guest:hunter2@rabbit',
    PAYMENT_ADDRESS: 'payment_without_port',
    // A call brings at most 1,000.
    BATCH: '1001',
    LANES: '0',
  });
  assert.deepEqual(await exit, [1, null]);
  const message = await stderr;
  const names = ['GRPC_PORT', 'DATABASE_URL', 'AMQP_URL', 'INVENTORY_ADDRESS', 'PAYMENT_ADDRESS', 'BATCH', 'LANES'];
  assert.equal(message.trim().split('\n').length, 1 + names.length);
  for (const name of names) assert.match(message, new RegExp(`^  ${name}: `, 'm'));
  assert.doesNotMatch(message, /hunter2|many|without_port/);
});

test('SIGTERM lets the batch and the call at work end, hands back the rest, and exits 0', async (t) => {
  const orders = await spawnOrders(t, { BATCH: '2', LANES: '1' });
  const sale = await openSale(10);
  const queued = times(6, () => anOrder(sale));
  const direct = anOrder(sale);
  const held = orders.inventory.hold('reserve', 'back');
  await broker.publish(...queued.slice(0, 2));
  await held.reached();
  await broker.publish(...queued.slice(2));
  const { client } = orders;
  const response = call(client, client.placeOrder, { command: asCommand(direct) }, { deadlineMs: 60_000 });
  await until('the call is at work', async () => rowOf(sale, direct.orderId));

  orders.child.kill('SIGTERM');
  await until('it takes nothing more', async () => {
    const reading = call(client, client.getOrders, { orderIds: [direct.orderId] }, { deadlineMs: 1_000 });
    return reading.then(
      () => false,
      () => true,
    );
  });
  held.letGo();
  assert.equal((await response).order?.status, 'ORDER_STATUS_CONFIRMED');
  assert.deepEqual(await orders.exit, [0, null]);
  const rows = await rowsOf(sale);
  assert.ok(rows.every(({ status }) => status !== 'placed'));
  const begun = rows.map(({ orderId }) => orderId);
  const back = (await broker.takeAll()).map(({ content }) => JSON.parse(String(content)));
  const all = [...begun, ...back.map(({ orderId }) => orderId)];
  assert.deepEqual(all.toSorted(), [...queued, direct].map(({ orderId }) => orderId).toSorted());

  await broker.publish(...back);
  await spawnOrders(t);
  assert.deepEqual(new Set(Object.values(await atRest(sale, 7))), new Set(['confirmed']));
});

test('SIGTERM does not wait for ever for a bank that hangs, on no path: it hands back, exits 0, and nothing is lost', async (t) => {
  const orders = await spawnOrders(t);
  const sale = await openSale(10);
  const [queued, direct, left] = [anOrder(sale), anOrder(sale), anOrder(sale)];
  const hanging = orders.payment.hold('charge', 'there');
  const { client } = orders;
  const place = (order: OrderCommand, deadlineMs: number) =>
    assert.rejects(call(client, client.placeOrder, { command: asCommand(order) }, { deadlineMs }));
  const responses = [place(direct, 60_000), place(left, 2_000), broker.publish(queued)];
  await hanging.reached();
  await responses[1];
  await until('all are being paid', async () => {
    const rows = await rowsOf(sale);
    return rows.length === 3 && rows.every(({ payRequested }) => payRequested);
  });

  orders.child.kill('SIGTERM');
  assert.deepEqual(await orders.exit, [0, null]);
  hanging.letGo();
  await Promise.all(responses);
  await startWorker(TAKES_UP, t);
  for (const { orderId } of [direct, left]) await passDeadline(orderId);
  assert.deepEqual(await atRest(sale, 3), {
    [queued.orderId]: 'confirmed',
    [direct.orderId]: 'timed_out',
    [left.orderId]: 'timed_out',
  });
});

test('killed with a batch at work, it is followed by another process', async (t) => {
  const orders = await spawnOrders(t);
  const sale = await openSale(5);
  const held = orders.payment.hold('charge', 'back');
  await broker.publish(...times(5, () => anOrder(sale)));
  await held.reached();
  orders.child.kill('SIGKILL');
  assert.deepEqual(await orders.exit, [null, 'SIGKILL']);
  held.letGo();
  await spawnOrders(t);
  assert.deepEqual(new Set(Object.values(await atRest(sale, 5))), new Set(['confirmed']));
});
