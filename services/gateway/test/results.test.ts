// Results as they come from the broker: late, twice, reversed, at several gateways at once, or unreadable.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import { EVENT_KEY_PREFIX, ORDER_EVENTS, RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { times } from '../../../infra/testbed/samples.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { ANY_TIME, anOrder, aSale, gatesOn } from './gates.ts';

// The sweeper never calls orders: what is applied here was applied by its event.
const NEVER_ASKS = { SENT_DUE_MS: '3600000', UNSENT_DUE_MS: '3600000' };
const shop = await openShop({ gateway: NEVER_ASKS });
await shop.start.gateway(NEVER_ASKS);
const gates = await gatesOn(shop.stores.redisUrl);
const channel = await shop.channel();
const { read } = gates;

async function admitted(stock: number, buyerId: string, quantity: number): Promise<OrderCommand> {
  const saleId = await shop.createSale({ mode: 'queued', stock });
  const order = anOrder(aSale(stock, { id: saleId }), buyerId, quantity);
  assert.equal((await gates.gate.admit(order, ANY_TIME)).kind, 'admitted');
  return order;
}

function resultOf({ mode: _, ...order }: OrderCommand, status: OrderEvent['status'], version: number): OrderEvent {
  const undone = { reason: null, amount: null, refund: 'none' } as const;
  return { ...order, ...undone, status, version, decidedAtMs: status === 'reserved' ? null : Date.now() };
}

async function publish(...events: OrderEvent[]): Promise<void> {
  for (const event of events)
    channel.publish(ORDER_EVENTS, `${EVENT_KEY_PREFIX}${event.status}`, Buffer.from(JSON.stringify(event)), {
      persistent: true,
    });
  await channel.waitForConfirms();
}

/** Everything that was published before has been applied: results of other sales, published last, have been by both. */
async function untilApplied(): Promise<void> {
  const last = await Promise.all(times(4, (i) => admitted(1, `last ${i}`, 1)));
  await publish(...last.map((order) => resultOf(order, 'rejected', 1)));
  for (const { saleId } of last) await until('it is applied', async () => (await read(saleId)).tickets === 1);
  await until('nothing is waiting', async () => (await channel.checkQueue(RESULTS_QUEUE)).messageCount === 0);
}

const viewOf = async ({ orderId }: OrderCommand) => (await gates.views.find(orderId))?.status;

test('the same rejection ten times, at two gateways: its tickets come back once', async () => {
  const order = await admitted(5, 'alice', 2);
  await publish(...times(10, () => resultOf(order, 'rejected', 2)));
  await untilApplied();
  const { tickets, records, buyers } = await read(order.saleId);
  assert.deepEqual([tickets, records.size, buyers.size, await viewOf(order)], [5, 0, 0, 'rejected']);
});

test('the same confirmation ten times, at two gateways: sold once', async () => {
  const order = await admitted(5, 'alice', 2);
  await publish(...times(10, () => resultOf(order, 'confirmed', 2)));
  await untilApplied();
  assert.deepEqual(
    [(await read(order.saleId)).tickets, await gates.stateOf(order), await viewOf(order)],
    [3, 'sold', 'confirmed'],
  );
});

test('a cancellation that overtakes the confirmation stays: no ghost of the order, no ticket lost, the view does not go back', async () => {
  const order = await admitted(5, 'alice', 2);
  await publish(resultOf(order, 'cancelled', 3));
  await until('it is applied', async () => (await read(order.saleId)).tickets === 5);
  await publish(resultOf(order, 'confirmed', 2));
  await untilApplied();
  const { tickets, records, buyers } = await read(order.saleId);
  assert.deepEqual([tickets, records.size, buyers.size, await viewOf(order)], [5, 0, 0, 'cancelled']);
});

test('an order that was sold and is cancelled gives its ticket back, and its buyer may come again', async () => {
  const order = await admitted(5, 'alice', 2);
  await publish(resultOf(order, 'confirmed', 2));
  await until('it is sold', async () => (await gates.stateOf(order)) === 'sold');
  await publish(resultOf(order, 'cancelled', 4));
  await until('it is applied', async () => (await read(order.saleId)).tickets === 5);
  assert.equal((await shop.buy(order.saleId, 'alice')).httpStatus, 202);
});

test('a confirmation of an earlier gate confirms nothing in this one', async () => {
  const order = await admitted(5, 'alice', 1);
  await publish({ ...resultOf(order, 'confirmed', 2), epoch: order.epoch + 1 });
  await untilApplied();
  assert.deepEqual([await gates.stateOf(order), await viewOf(order)], ['unsent', 'confirmed']);
});

test('results that cannot be read are no results, and keep no others from being applied', async () => {
  const order = await admitted(5, 'alice', 1);
  // More than both gateways hold in their hands.
  for (const text of times(250, () => ['no JSON', '[]', '{"orderId":"x"}', '{"status":"confirmed"}']).flat())
    channel.publish(ORDER_EVENTS, `${EVENT_KEY_PREFIX}confirmed`, Buffer.from(text), { persistent: true });
  await publish(resultOf(order, 'confirmed', 2));
  await until('it is sold', async () => (await gates.stateOf(order)) === 'sold');
  await untilApplied();
});

test('a gateway that has lost its Redis gives results back, and another applies them', async (t) => {
  const wire = await layWire(shop.namespace.redisUrl);
  const cutOff = await shop.start.gateway({ ...NEVER_ASKS, REDIS_URL: wire.url });
  t.after(async () => {
    await cutOff.stop();
    await wire.close();
  });
  wire.block(true);
  const orders = [];
  for (let i = 0; i < 30; i += 1) orders.push(await admitted(1, `cut off ${i}`, 1));
  await publish(...orders.map((order) => resultOf(order, 'rejected', 1)));
  for (const { saleId } of orders) await until('its ticket is back', async () => (await read(saleId)).tickets === 1);
});

test('a field that a newer producer adds does not keep a result from being applied', async () => {
  const order = await admitted(5, 'alice', 1);
  await publish({ ...resultOf(order, 'rejected', 1), invented: { tomorrow: true } } as OrderEvent);
  await until('it is applied', async () => (await read(order.saleId)).tickets === 5);
});

test('one result that cannot be applied comes again, alone: the others keep their acknowledgements and connections', async (t) => {
  const stuck = await admitted(1, 'stuck', 1);
  const records = keyOf(stuck.saleId, 'orders');
  const aside = `${records}:aside`;
  await gates.observer.rename(records, aside);
  await gates.observer.set(records, 'not a hash');
  const others = await Promise.all(times(30, () => admitted(1, 'other', 1)));
  let connections = 0;
  shop.wires.gatewayAmqp.onRequest((bytes) => {
    if (bytes.toString('latin1').startsWith('AMQP')) connections += 1;
  });
  t.after(() => shop.wires.gatewayAmqp.onRequest());
  await publish(...[stuck, ...others].map((order) => resultOf(order, 'rejected', 1)));
  for (const { saleId } of others) await until('it is applied', async () => (await read(saleId)).tickets === 1);
  await untilApplied();
  await gates.observer.rename(aside, records);
  await until('it is applied as well', async () => (await read(stuck.saleId)).tickets === 1);
  assert.equal(connections, 0);
});

test('a hold that is reserved waits no longer, and is shown with its deadline', async () => {
  const order = await admitted(5, 'alice', 1);
  assert.equal((await read(order.saleId)).waiting.length, 1);
  await publish(resultOf(order, 'reserved', 2));
  await until('it is not waiting', async () => (await read(order.saleId)).waiting.length === 0);
  await until('it is shown', async () => (await viewOf(order)) === 'reserved');
  assert.equal(await gates.stateOf(order), 'unsent');
});

test('a refund that is done later changes the view, and gives no ticket back a second time', async () => {
  const order = await admitted(5, 'alice', 1);
  await publish({ ...resultOf(order, 'rejected', 2), refund: 'owed' });
  await until('it is applied', async () => (await read(order.saleId)).tickets === 5);
  const next = await shop.buy(order.saleId, 'alice');
  assert.equal(next.httpStatus, 202);
  await publish({ ...resultOf(order, 'rejected', 3), refund: 'done' });
  await until('it is shown', async () => (await gates.views.find(order.orderId))?.refund === 'done');
  assert.equal((await read(order.saleId)).buyers.get('alice'), next.orderId);
});
