// Orders that were admitted and have no result: any gateway checks, publishes again or gives up, and never guesses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import type { OrderCommand } from '@flashsale/contracts/messages';
import {
  type CancelOrderRequest,
  OrdersServiceClient,
  type OrderCommand as WireCommand,
} from '@flashsale/contracts/orders';
import { ORDERS_PLACED, RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { call, connectTo } from '@flashsale/rpc/client';
import { RpcError, status } from '@flashsale/rpc/handlers';
import { Registry } from '@prometheus-io/client';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { ANY_TIME, anOrder, aSale, gatesOn } from './gates.ts';

const DEADLINE_MS = 500;
const LONG_OVER = -10 * DEADLINE_MS;
const shop = await openShop({ gateway: { DIRECT_DEADLINE_MS: String(DEADLINE_MS) } });
const dead = await gatesOn(shop.stores.redisUrl);
const orders = shop.closed(
  connectTo(OrdersServiceClient, shop.services.orders.address, { retries: 'idempotent', registry: new Registry() }),
);
const channel = await shop.channel();
const { wires, proxies, broker, evidence } = shop;

const queued = await shop.createSale({ mode: 'queued', stock: 20 });
const direct = await shop.createSale({ mode: 'direct', stock: 20 });
const TRACES = ['ticket', 'order confirmed', 'unit sold', 'charge captured'];

/** As a gateway leaves it that dies right after its admit. */
async function admittedByTheDead(saleId: string, buyerId: string, leftMs = 600_000): Promise<OrderCommand> {
  const order = anOrder(aSale(20, { id: saleId }), buyerId);
  const command = { ...order, deadlineMs: (await dead.now()) + leftMs };
  assert.equal((await dead.gate.admit(command, { ...ANY_TIME, dueInMs: 100 })).kind, 'admitted');
  return command;
}

type Order = { saleId: string; orderId: string };
const recordOf = async ({ saleId, orderId }: Order) => (await evidence.gate(saleId)).records.get(orderId);
const untilSold = (order: Order) => until('it is sold', async () => (await recordOf(order))?.state === 'sold');
const untilSent = (order: Order) => until('it is sent', async () => (await recordOf(order))?.state === 'sent');
const untilGivenBack = (order: Order) => until('its ticket is back', async () => !(await recordOf(order)));
const checksOf = async ({ saleId, orderId }: Order): Promise<number> =>
  JSON.parse((await dead.observer.hget(keyOf(saleId, 'orders'), orderId)) ?? '{}').attempts ?? 0;

/** A bought order that stands in the queue, because no worker reads it. */
async function inQueue(buyer: string): Promise<Order> {
  wires.ordersAmqp.block(true);
  const { orderId } = await shop.buy(queued, buyer);
  const order = { saleId: queued, orderId: orderId as string };
  await untilSent(order);
  return order;
}

test('a gateway dies between admit and publish: another one publishes the order, under its id', async () => {
  const order = await admittedByTheDead(queued, 'widow');
  assert.equal((await shop.final(order.orderId, 'widow')).status, 'confirmed');
  await untilSold(order);
  assert.deepEqual(await evidence.tracesOf('widow'), { widow: TRACES });
  assert.deepEqual(
    (await evidence.ordersOf('widow')).map(({ orderId }) => orderId),
    [order.orderId],
  );
});

test('a gateway dies between admit and call: the order is given up, and its ticket comes back with the event', async () => {
  const order = await admittedByTheDead(direct, 'orphan', LONG_OVER);
  await untilGivenBack(order);
  assert.deepEqual(await evidence.tracesOf('orphan'), {
    orphan: ['order cancelled', 'unit released', 'charge voided'],
  });
  assert.equal((await shop.order(order.orderId, 'orphan')).status, 'cancelled');
  assert.notEqual((await shop.buy(direct, 'orphan')).httpStatus, 409);
});

test('a confirmed event that is lost is read from orders', async () => {
  const order = await inQueue('unreported');
  wires.gatewayAmqp.block(true);
  const consumers = async () => (await channel.checkQueue(RESULTS_QUEUE)).consumerCount;
  await until('the broker knows that the gateway is gone', async () => (await consumers()) === 0);
  wires.ordersAmqp.block(false);
  await until('its event is with the broker', async () => {
    // The row first: its event is in the outbox as soon as it is confirmed.
    if ((await evidence.ordersOf('unreported'))[0]?.status !== 'confirmed') return false;
    const { rows } = await evidence.stores.orders.query('SELECT count(*)::int AS unpublished FROM outbox');
    return rows[0].unpublished === 0;
  });
  await broker.purge(RESULTS_QUEUE);
  wires.gatewayAmqp.block(false);
  await shop.ready(shop.services.gateway.ops);
  await untilSold(order);
});

test('an order that stands in the queue is not published again, however often it is checked', async () => {
  const order = await inQueue('waiting');
  await until('it was checked twice', async () => {
    await dead.makeDue(order as OrderCommand);
    return (await checksOf(order)) >= 2;
  });
  assert.equal((await channel.checkQueue(ORDERS_PLACED.queue)).messageCount, 1);
  wires.ordersAmqp.block(false);
  assert.equal((await shop.final(order.orderId, 'waiting')).status, 'confirmed');
});

test('a message that is lost is published again, under the same id, once the queue is empty', async () => {
  const order = await inQueue('purged');
  await broker.purge(ORDERS_PLACED.queue);
  wires.ordersAmqp.block(false);
  assert.equal((await shop.final(order.orderId, 'purged')).status, 'confirmed');
  assert.deepEqual(
    (await evidence.ordersOf('purged')).map((row) => row.orderId),
    [order.orderId],
  );
});

test('a queued order whose message is lost for good is given up after its deadline, not before', async () => {
  const order = await admittedByTheDead(queued, 'dead letter', 2_500);
  await dead.gate.markSent(order);
  // A queue that is never empty: nothing is published again.
  wires.ordersAmqp.block(true);
  await shop.buy(queued, 'in the way');
  const gaveUpAt: number[] = [];
  proxies.orders.on('cancelOrder', async (request: CancelOrderRequest, forward) => {
    if (request.command?.orderId === order.orderId) gaveUpAt.push(await dead.now());
    return forward();
  });
  await until('it is given up', async () => {
    await dead.makeDue(order);
    return gaveUpAt.length > 0;
  });
  wires.ordersAmqp.block(false);
  await untilGivenBack(order);
  proxies.orders.on('cancelOrder');
  assert.ok((gaveUpAt[0] as number) >= order.deadlineMs);
  assert.equal((await shop.final(order.orderId, 'dead letter')).status, 'cancelled');
});

test('a direct order that never arrived is ended before its ticket comes back, and stays ended when it arrives', async () => {
  let command: WireCommand | undefined;
  proxies.orders.on('placeOrder', async (request: { command: WireCommand }) => {
    command = request.command;
    throw new RpcError(status.UNAVAILABLE, 'on its way for a long time');
  });
  const { httpStatus, orderId } = await shop.buy(direct, 'traveller');
  proxies.orders.on('placeOrder');
  assert.deepEqual([httpStatus, command?.orderId], [504, orderId]);
  await untilGivenBack({ saleId: direct, orderId: orderId as string });
  const arrived = await call(orders, orders.placeOrder, { command }, { deadlineMs: 10_000 });
  assert.deepEqual([arrived.order?.status, arrived.order?.reason], ['ORDER_STATUS_CANCELLED', 'given_up']);
  assert.deepEqual(await evidence.tracesOf('traveller'), {
    traveller: ['order cancelled', 'unit released', 'charge voided'],
  });
});

test('a give-up with an unknown outcome gives nothing back; the next one does', async () => {
  let calls = 0;
  proxies.orders.on('cancelOrder', async (_request, forward) => {
    calls += 1;
    if (calls > 1) return forward();
    throw new RpcError(status.INTERNAL, 'it is not known');
  });
  const order = await admittedByTheDead(direct, 'doomed', LONG_OVER);
  await until('the sweeper has tried', () => calls > 0);
  assert.ok(await recordOf(order));
  await dead.makeDue(order);
  await untilGivenBack(order);
  assert.equal(calls, 2);
  proxies.orders.on('cancelOrder');
});

test('keys that contradict each other keep no order of their sale from being swept', async () => {
  const [unsent, sent] = [keyOf(queued, 'unsent'), keyOf(queued, 'sent')];
  for (const due of [unsent, sent]) await dead.observer.zadd(due, 1, 'an order without a record');
  const order = await admittedByTheDead(queued, 'beside them');
  assert.equal((await shop.final(order.orderId, 'beside them')).status, 'confirmed');
  await untilSold(order);
});

test('and everything agrees at rest', () => evidence.atRest());

// Last, because a row that is lost cannot agree with anything.
test('an order that orders has forgotten is compensated before its ticket comes back', async () => {
  const { orderId } = await shop.buy(queued, 'restored');
  const order = { saleId: queued, orderId: orderId as string };
  await shop.final(order.orderId, 'restored');
  await untilSold(order);
  // Orders is restored from a backup of before, and the gate is rebuilt.
  await evidence.stores.orders.query('DELETE FROM orders WHERE id = $1', [orderId]);
  let compensating = false;
  let hadTicket: boolean | undefined;
  proxies.payment.on('void', async (_request, forward) => {
    compensating = true;
    hadTicket ??= (await evidence.gate(queued)).buyers.has('restored');
    return forward();
  });
  await dead.gate.shut(queued, (await evidence.gate(queued)).epoch);
  await untilGivenBack(order);
  proxies.payment.on('void');
  assert.deepEqual([compensating, hadTicket], [true, true]);
  await until('the money goes back', async () =>
    (await evidence.tracesOf('restored')).restored?.includes('charge reversed'),
  );
});
