// The process: what it needs, and how it ends, asked to or not.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { OrdersServiceClient } from '@flashsale/contracts/orders';
import { call, connectTo } from '@flashsale/rpc/client';
import { until } from '../../../infra/until.ts';
import { anOrder, openEnvironment } from './environment.ts';
import { hold, openNeighbours } from './neighbours.ts';
import { atRest, rowOf, rowsOf } from './truth.ts';
import { asCommand, startWorker, TAKES_UP } from './worker.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const environment = await openEnvironment();
after(() => environment.close());

const start = (env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });

async function spawnOrders(t: TestContext, env: Record<string, string> = {}) {
  const neighbours = await openNeighbours(environment);
  const child = start({
    GRPC_PORT: '0',
    DATABASE_URL: environment.namespace.databases.orders,
    AMQP_URL: environment.namespace.amqpUrl,
    INVENTORY_ADDRESS: neighbours.inventory.address,
    PAYMENT_ADDRESS: neighbours.payment.address,
    RPC_DEADLINE_MS: '60000',
    CHARGE_TIMEOUT_MS: '60000',
    ...env,
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    neighbours.letGo();
    await ended;
    await neighbours.stop();
  });
  const { rpc, ops } = await readyLine(child);
  await until('it is ready', async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).ok);
  const client = connectTo(OrdersServiceClient, `127.0.0.1:${rpc}`, { retries: 'never' });
  t.after(() => client.close());
  return { ...neighbours, child, ended, client };
}

async function readyLine(child: ChildProcess): Promise<{ rpc: number; ops: number }> {
  for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
    const said = JSON.parse(line);
    if (said.rpc) {
      child.stdout?.resume();
      return said;
    }
  }
  throw new Error('the process ended before it was ready');
}

test('a bad environment ends it with one message that names every bad variable and shows no value', async () => {
  const child = start({
    GRPC_PORT: 'many',
    DATABASE_URL: 'mysql://root:hunter2@db/orders',
    AMQP_URL: 'http://guest:hunter2@rabbit',
    PAYMENT_ADDRESS: 'payment_without_port',
    // A call brings at most 1,000.
    BATCH: '1001',
    LANES: '0',
  });
  const [message, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'exit')]);
  assert.equal(code, 1);
  const names = ['GRPC_PORT', 'DATABASE_URL', 'AMQP_URL', 'INVENTORY_ADDRESS', 'PAYMENT_ADDRESS', 'BATCH', 'LANES'];
  assert.equal(message.trim().split('\n').length, 1 + names.length);
  for (const name of names) assert.match(message, new RegExp(`^  ${name}: `, 'm'));
  assert.doesNotMatch(message, /hunter2|many|without_port/);
});

test('SIGTERM lets the batch and the call at work end, hands back the rest, and exits 0', async (t) => {
  const orders = await spawnOrders(t, { BATCH: '2', LANES: '1' });
  const sale = await environment.openSale(10);
  const queued = Array.from({ length: 6 }, () => anOrder(sale));
  const direct = anOrder(sale);
  const held = hold(orders.inventory, 'reserve', 'back');
  await environment.broker.publish(...queued.slice(0, 2));
  await held.reached();
  await environment.broker.publish(...queued.slice(2));
  const { client } = orders;
  const answer = call(client, client.placeOrder, { command: asCommand(direct) }, { deadlineMs: 60_000 });
  await until('the call is at work', async () => rowOf(environment, sale, direct.orderId));

  orders.child.kill('SIGTERM');
  await until('it takes nothing more', async () => {
    const asked = call(client, client.getOrders, { orderIds: [direct.orderId] }, { deadlineMs: 1_000 });
    return asked.then(
      () => false,
      () => true,
    );
  });
  held.letGo();
  assert.equal((await answer).order?.status, 'ORDER_STATUS_CONFIRMED');
  assert.deepEqual(await orders.ended, [0, null]);
  const rows = await rowsOf(environment, sale);
  assert.ok(rows.every(({ status }) => status !== 'placed'));
  const begun = rows.map(({ orderId }) => orderId);
  const back = (await environment.broker.takeAll()).map(({ content }) => JSON.parse(String(content)));
  const all = [...begun, ...back.map(({ orderId }) => orderId)];
  assert.deepEqual(all.toSorted(), [...queued, direct].map(({ orderId }) => orderId).toSorted());

  await environment.broker.publish(...back);
  await spawnOrders(t);
  assert.deepEqual(new Set(Object.values(await atRest(environment, sale, 7))), new Set(['confirmed']));
});

test('SIGTERM does not wait for ever for a bank that hangs, on no path: it hands back, exits 0, and nothing is lost', async (t) => {
  const orders = await spawnOrders(t);
  const sale = await environment.openSale(10);
  const [queued, direct, left] = [anOrder(sale), anOrder(sale), anOrder(sale)];
  const hanging = hold(orders.payment, 'charge', 'there');
  const { client } = orders;
  const place = (order: OrderCommand, deadlineMs: number) =>
    assert.rejects(call(client, client.placeOrder, { command: asCommand(order) }, { deadlineMs }));
  const answers = [place(direct, 60_000), place(left, 2_000), environment.broker.publish(queued)];
  await hanging.reached();
  await answers[1];
  await until('all are being paid', async () => {
    const rows = await rowsOf(environment, sale);
    return rows.length === 3 && rows.every(({ payRequested }) => payRequested);
  });

  orders.child.kill('SIGTERM');
  assert.deepEqual(await orders.ended, [0, null]);
  hanging.letGo();
  await Promise.all(answers);
  const successor = await startWorker(environment, TAKES_UP);
  t.after(() => successor.stop());
  for (const { orderId } of [direct, left]) await environment.passDeadline(orderId);
  assert.deepEqual(await atRest(environment, sale, 3), {
    [queued.orderId]: 'confirmed',
    [direct.orderId]: 'timed_out',
    [left.orderId]: 'timed_out',
  });
});

test('killed with a batch at work, it is followed by another process', async (t) => {
  const orders = await spawnOrders(t);
  const sale = await environment.openSale(5);
  const held = hold(orders.payment, 'charge', 'back');
  await environment.broker.publish(...Array.from({ length: 5 }, () => anOrder(sale)));
  await held.reached();
  orders.child.kill('SIGKILL');
  assert.deepEqual(await orders.ended, [null, 'SIGKILL']);
  held.letGo();
  await spawnOrders(t);
  assert.deepEqual(new Set(Object.values(await atRest(environment, sale, 5))), new Set(['confirmed']));
});
