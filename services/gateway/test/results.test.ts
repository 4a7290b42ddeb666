// Results as they come from the broker: late, twice, reversed, at several gateways at once, or unreadable.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import { EVENT_KEY_PREFIX, ORDER_EVENTS, SETTLE_QUEUE } from '@flashsale/contracts/topology';
import { connect } from 'amqplib';
import { openShop } from '../../../infra/testbed/shop.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { anOrder, aSale, DUE_MS, gatesOn } from './gates.ts';

// Nobody asks: what is settled here was settled by its event.
const NEVER_ASKS = { SENT_DUE_MS: '3600000', UNSENT_DUE_MS: '3600000' };
const shop = await openShop({ gateway: NEVER_ASKS });
const second = await shop.start.gateway(NEVER_ASKS);
await shop.ready(second.ops);
const gates = await gatesOn(shop.stores.redisUrl);
const broker = await connect(shop.namespace.amqpUrl);
const channel = await broker.createConfirmChannel();
after(async () => {
  await broker.close();
  await gates.close();
  await second.stop();
  await shop.close();
});
await shop.ready(second.ops);
const { read } = gates;

async function admitted(stock: number, buyerId: string, quantity: number): Promise<OrderCommand> {
  const saleId = await shop.createSale({ mode: 'queued', stock });
  const order = anOrder(aSale(stock, { id: saleId }), buyerId, quantity);
  assert.deepEqual(await gates.gate.admit(order, DUE_MS), { kind: 'admitted' });
  return order;
}

function resultOf(
  { decideByMs: _, ...order }: OrderCommand,
  status: OrderEvent['status'],
  version: number,
): OrderEvent {
  return { ...order, status, reason: null, version, amountMinor: null, currency: null, decidedAtMs: Date.now() };
}

async function tell(...events: OrderEvent[]): Promise<void> {
  for (const event of events)
    channel.publish(ORDER_EVENTS, `${EVENT_KEY_PREFIX}${event.status}`, Buffer.from(JSON.stringify(event)), {
      persistent: true,
    });
  await channel.waitForConfirms();
}

/** Everything that was told before has been settled: a result of another sale, told last, has been by both. */
async function untilHeard(): Promise<void> {
  const last = await Promise.all(Array.from({ length: 4 }, (_, i) => admitted(1, `last ${i}`, 1)));
  await tell(...last.map((order) => resultOf(order, 'rejected', 1)));
  for (const { saleId } of last) await until('it is settled', async () => (await read(saleId)).tickets === 1);
  await until('nothing is waiting', async () => (await channel.checkQueue(SETTLE_QUEUE)).messageCount === 0);
}

const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
const viewOf = async ({ orderId }: OrderCommand) => (await gates.views.find(orderId))?.status;

test('the same rejection ten times, at two gateways: its tickets come back once', async () => {
  const order = await admitted(5, 'alice', 2);
  await tell(...times(10, () => resultOf(order, 'rejected', 2)));
  await untilHeard();
  const { tickets, records, buyers } = await read(order.saleId);
  assert.deepEqual([tickets, records.size, buyers.size, await viewOf(order)], [5, 0, 0, 'rejected']);
});

test('the same confirmation ten times, at two gateways: sold once', async () => {
  const order = await admitted(5, 'alice', 2);
  await tell(...times(10, () => resultOf(order, 'confirmed', 2)));
  await untilHeard();
  assert.deepEqual(
    [(await read(order.saleId)).tickets, await gates.stateOf(order), await viewOf(order)],
    [3, 'sold', 'confirmed'],
  );
});

test('a cancellation that overtakes the confirmation stays: no ghost of the order, no ticket lost, the view does not go back', async () => {
  const order = await admitted(5, 'alice', 2);
  await tell(resultOf(order, 'cancelled', 3));
  await until('it is settled', async () => (await read(order.saleId)).tickets === 5);
  await tell(resultOf(order, 'confirmed', 2));
  await untilHeard();
  const { tickets, records, buyers } = await read(order.saleId);
  assert.deepEqual([tickets, records.size, buyers.size, await viewOf(order)], [5, 0, 0, 'cancelled']);
});

test('an order that was sold and is cancelled gives its ticket back, and its buyer may come again', async () => {
  const order = await admitted(5, 'alice', 2);
  await tell(resultOf(order, 'confirmed', 2));
  await until('it is sold', async () => (await gates.stateOf(order)) === 'sold');
  await tell(resultOf(order, 'cancelled', 4));
  await until('it is settled', async () => (await read(order.saleId)).tickets === 5);
  assert.equal((await shop.buy(order.saleId, 'alice')).httpStatus, 202);
});

test('a confirmation of an earlier gate settles nothing in this one', async () => {
  const order = await admitted(5, 'alice', 1);
  await tell({ ...resultOf(order, 'confirmed', 2), epoch: order.epoch + 1 });
  await untilHeard();
  assert.deepEqual([await gates.stateOf(order), await viewOf(order)], ['unsent', 'confirmed']);
});

test('results that cannot be read are no results, and keep no others from being settled', async () => {
  const order = await admitted(5, 'alice', 1);
  // More than both gateways hold in their hands.
  for (const text of times(250, () => ['no JSON', '[]', '{"orderId":"x"}', '{"status":"confirmed"}']).flat())
    channel.publish(ORDER_EVENTS, `${EVENT_KEY_PREFIX}confirmed`, Buffer.from(text), { persistent: true });
  await tell(resultOf(order, 'confirmed', 2));
  await until('it is sold', async () => (await gates.stateOf(order)) === 'sold');
  await untilHeard();
});

test('a gateway that has lost its Redis gives results back, and another settles them', async (t) => {
  const wire = await layWire(shop.namespace.redisUrl);
  const cutOff = await shop.start.gateway({ ...NEVER_ASKS, REDIS_URL: wire.url });
  t.after(async () => {
    await cutOff.stop();
    await wire.close();
  });
  await shop.ready(cutOff.ops);
  wire.block(true);
  const orders = [];
  for (let i = 0; i < 30; i += 1) orders.push(await admitted(1, `cut off ${i}`, 1));
  await tell(...orders.map((order) => resultOf(order, 'rejected', 1)));
  for (const { saleId } of orders) await until('its ticket is back', async () => (await read(saleId)).tickets === 1);
});
