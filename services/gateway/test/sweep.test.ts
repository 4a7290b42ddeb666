// What nobody heard of again: the sweeper of any living gateway asks, repeats or gives up by tombstone, and never guesses.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { OrdersServiceClient } from '@flashsale/contracts/orders';
import { ORDERS, SETTLE_QUEUE } from '@flashsale/contracts/topology';
import { call, connectTo } from '@flashsale/rpc/client';
import { RpcError, status } from '@flashsale/rpc/server';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { anOrder, aSale, gatesOn } from './gates.ts';

const DEADLINE_MS = 500;
const LONG_OVER = -10 * DEADLINE_MS;
const shop = await openShop({ gateway: { DIRECT_DEADLINE_MS: String(DEADLINE_MS) } });
const dead = await gatesOn(shop.stores.redisUrl);
const orders = connectTo(OrdersServiceClient, shop.services.orders.address, { retries: 'idempotent' });
after(async () => {
  orders.close();
  await dead.close();
  await shop.close();
});
const { wires, proxies, broker, evidence } = shop;

const queued = await shop.createSale({ mode: 'queued', stock: 20 });
const direct = await shop.createSale({ mode: 'direct', stock: 20 });
const TRACES = ['ticket', 'order confirmed', 'unit sold', 'charge captured'];

/** As a gateway leaves it that dies right after its admit. */
async function admittedByTheDead(saleId: string, buyerId: string, decideInMs = 600_000): Promise<OrderCommand> {
  const order = anOrder(aSale(20, { id: saleId }), buyerId);
  const command = { ...order, decideByMs: Date.now() + decideInMs };
  assert.deepEqual(await dead.gate.admit(command, 100), { kind: 'admitted' });
  return command;
}

const recordOf = async ({ saleId, orderId }: { saleId: string; orderId: string }) =>
  (await evidence.gate(saleId)).records.get(orderId);
const untilSold = (order: OrderCommand) => until('it is sold', async () => (await recordOf(order))?.state === 'sold');
const untilGivenBack = (order: OrderCommand) => until('its ticket is back', async () => !(await recordOf(order)));

test('a gateway dies between admit and publish: another one sends the order, under its id', async () => {
  const order = await admittedByTheDead(queued, 'widow');
  assert.equal((await shop.final(order.orderId, 'widow')).status, 'confirmed');
  await untilSold(order);
  assert.deepEqual(await evidence.tracesOf('widow'), { widow: TRACES });
  assert.deepEqual(
    (await evidence.ordersOf('widow')).map(({ orderId }) => orderId),
    [order.orderId],
  );
});

test('a gateway dies between admit and call: the order is ended by tombstone, then its ticket comes back', async () => {
  const order = await admittedByTheDead(direct, 'orphan', LONG_OVER);
  await untilGivenBack(order);
  assert.deepEqual(await evidence.tracesOf('orphan'), { orphan: ['order cancelled'] });
  assert.equal((await shop.order(order.orderId, 'orphan')).status, 'cancelled');
  assert.notEqual((await shop.buy(direct, 'orphan')).httpStatus, 409);
});

test('a confirmed event that is lost is asked for', async () => {
  wires.ordersAmqp.block(true);
  const { orderId } = await shop.buy(queued, 'unheard');
  const order = { saleId: queued, orderId: orderId as string };
  await until('it is marked as sent', async () => (await recordOf(order))?.state === 'sent');
  wires.gatewayAmqp.block(true);
  wires.ordersAmqp.block(false);
  await until('its event is with the broker', async () => {
    const { rows } = await evidence.stores.orders.query('SELECT count(*)::int AS untold FROM outbox');
    return (await evidence.ordersOf('unheard'))[0]?.status === 'confirmed' && rows[0].untold === 0;
  });
  await broker.purge(SETTLE_QUEUE);
  wires.gatewayAmqp.block(false);
  await shop.ready(shop.services.gateway.ops);
  await until('it is sold', async () => (await recordOf(order))?.state === 'sold', 10_000);
});

test('a message that is lost is sent again, under the same id', async () => {
  wires.ordersAmqp.block(true);
  const { orderId } = await shop.buy(queued, 'purged');
  const order = { saleId: queued, orderId: orderId as string };
  await until('it is marked as sent', async () => (await recordOf(order))?.state === 'sent');
  await broker.purge(ORDERS.queue);
  wires.ordersAmqp.block(false);
  assert.equal((await shop.final(order.orderId, 'purged')).status, 'confirmed');
  assert.deepEqual(
    (await evidence.ordersOf('purged')).map((row) => row.orderId),
    [orderId],
  );
});

test('a direct order that never arrived is ended before its ticket comes back, and stays ended when it arrives after all', async () => {
  let command: OrderCommand | undefined;
  proxies.orders.on('placeOrder', async (request: { command: OrderCommand }) => {
    command = request.command;
    throw new RpcError(status.UNAVAILABLE, 'on its way for a long time');
  });
  const { httpStatus, orderId } = await shop.buy(direct, 'traveller');
  proxies.orders.on('placeOrder');
  assert.equal(httpStatus, 504);
  assert.equal(command?.orderId, orderId);
  await untilGivenBack(command as OrderCommand);
  const arrived = await call(orders, orders.placeOrder, { command }, { deadlineMs: 10_000 });
  assert.deepEqual([arrived.order?.status, arrived.order?.reason], ['ORDER_STATUS_CANCELLED', 'given_up']);
  assert.deepEqual(await evidence.tracesOf('traveller'), { traveller: ['order cancelled'] });
});

test('a give-up with an unknown outcome gives nothing back; the next one does', async () => {
  let asked = 0;
  proxies.orders.on('cancelOrder', async (_request, forward) => {
    asked += 1;
    if (asked > 1) return forward();
    throw new RpcError(status.INTERNAL, 'nobody knows');
  });
  const order = await admittedByTheDead(direct, 'doomed', LONG_OVER);
  await until('the sweeper has tried', () => asked > 0);
  assert.ok(await recordOf(order));
  await dead.makeDue(order);
  await untilGivenBack(order);
  assert.equal(asked, 2);
  proxies.orders.on('cancelOrder');
});

test('and everything agrees at rest', () => evidence.atRest());
