// Gates in a whole shop: opened by any gateway, rebuilt after a loss, and never selling more than there is.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { InventoryServiceClient, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { type GateKey, keyOf, viewKeyOf } from '@flashsale/contracts/keys';
import type { OrderEvent } from '@flashsale/contracts/messages';
import { EVENT_KEY_PREFIX, ORDER_EVENTS, RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { GATE_SCRIPTS } from '../src/outbound/gate/scripts.ts';
import { aSale } from './gates.ts';

const LONG_MS = '60000';
const QUICK = { REBUILD_COURTESY_MS: '3000', AT_REST_MS: '1500' };
const shop = await openShop({
  gateway: QUICK,
  orders: { RPC_DEADLINE_MS: LONG_MS, CHARGE_TIMEOUT_MS: LONG_MS },
});
const second = await shop.start.gateway();
const inventory = shop.closed(
  connectTo(InventoryServiceClient, shop.services.inventory.address, { retries: 'idempotent' }),
);
const channel = await shop.channel();
const { wires, proxies, evidence, buy, services } = shop;
const { redis } = evidence.stores;
const gateways = [services.gateway.url, second.url];

/** In inventory only, as a gateway leaves it that dies before its gate is opened. */
async function bareSale(mode: 'queued' | 'direct', stock: number): Promise<string> {
  const sale = { ...aSale(stock, { mode, perBuyerLimit: 1 }), available: 0, held: 0, sold: 0 };
  await call(inventory, inventory.createSale, { sale }, { deadlineMs: 10_000 });
  return sale.id;
}
const saleOf = async (saleId: string) =>
  (await call(inventory, inventory.getSale, { saleId }, { deadlineMs: 10_000 })).sale as WireSale;
const update = (saleId: string, change: { addStock?: number; closed?: boolean }) =>
  call(inventory, inventory.updateSale, { saleId, addStock: 0, ...change }, { deadlineMs: 10_000 });

/** A buyer of that name is admitted at each gateway; one whose first answer was lost is told 409 the next time. */
async function untilBothSell(saleId: string, name: string): Promise<void> {
  for (const [i, url] of gateways.entries())
    await until('it sells', async () =>
      [201, 202, 409].includes((await buy(saleId, `${name} ${i}`, undefined, url)).httpStatus),
    );
}
const untilEpoch = (saleId: string, epoch: number) =>
  until(`the gate of epoch ${epoch} is open`, async () => (await evidence.gate(saleId)).epoch === epoch);

const KEYS: GateKey[] = ['gate', 'buyers', 'orders', 'unsent', 'sent', 'waiting', 'keys'];
/** What FLUSHDB does, to one sale. */
const loseGate = (saleId: string) => redis.del(...KEYS.map((key) => keyOf(saleId, key)));
/** What a gateway does that dies before it replaces the gate; too soon after another epoch, inventory refuses. */
async function takeEpoch(saleId: string, expectedEpoch: number) {
  const request = { saleId, expectedEpoch, gateEpoch: expectedEpoch };
  const take = async () => {
    for await (const _ of callStream(inventory, inventory.reopen, request, { deadlineMs: 10_000 }));
    return true;
  };
  await until('an epoch is taken', () => take().catch(() => false));
}

const recordOf = async (saleId: string, orderId?: string) => (await evidence.gate(saleId)).records.get(orderId ?? '');

/** As a gateway receives it that was away for long. */
async function publish(event: Partial<OrderEvent>) {
  const rest = { quantity: 1, reason: null, amount: null, deadlineMs: 1, refund: 'none' };
  const text = JSON.stringify({ ...rest, decidedAtMs: 1, ...event });
  channel.publish(ORDER_EVENTS, `${EVENT_KEY_PREFIX}${event.status}`, Buffer.from(text), { persistent: true });
  await channel.waitForConfirms();
}
// The event of the refund says the same of the ticket, so it must be lost as well.
const PUBLISHED = `SELECT refund = 'done' AND NOT EXISTS (SELECT FROM outbox) AS published
  FROM orders WHERE id = $1`;
const untilEventsAreApplied = () =>
  until('no event waits', async () => {
    const { rows } = await evidence.stores.orders.query('SELECT count(*)::int AS unpublished FROM outbox');
    const { messages, messages_unacknowledged: held } = (await shop.broker.queue(RESULTS_QUEUE)) as never as Depth;
    return rows[0].unpublished === 0 && messages === 0 && held === 0;
  });
interface Depth {
  messages: number;
  messages_unacknowledged: number;
}

test('Redis is emptied while orders wait: rebuilt from inventory, nothing oversold, every 202 final', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 12 });
  wires.ordersAmqp.block(true);
  const inLine = await Promise.all(Array.from({ length: 8 }, (_, i) => buy(saleId, `in line ${i}`)));
  await redis.flushdb();
  assert.equal((await buy(saleId, 'meanwhile')).httpStatus, 503);
  wires.ordersAmqp.block(false);
  await until('it sells', async () => (await buy(saleId, 'in line 0')).httpStatus === 409);
  const statuses = await Promise.all(
    Array.from({ length: 20 }, (_, i) => buy(saleId, `later ${i}`).then((it) => it.httpStatus)),
  );
  assert.deepEqual(statuses.filter((status) => status === 202).length, 4);
  for (const [i, { orderId, httpStatus }] of inLine.entries()) {
    assert.equal(httpStatus, 202);
    assert.equal((await shop.final(orderId as string, `in line ${i}`)).status, 'confirmed');
  }
  await evidence.atRest();
  assert.deepEqual([(await evidence.gate(saleId)).tickets, await evidence.tracesOf('meanwhile')], [0, {}]);
});

test('a sale without a gate is opened by two gateways at once: one epoch wins, and both sell', async () => {
  const saleIds = await Promise.all(Array.from({ length: 5 }, () => bareSale('queued', 10)));
  for (const saleId of saleIds) {
    await untilBothSell(saleId, 'early');
    assert.equal((await evidence.gate(saleId)).epoch, (await saleOf(saleId)).epoch);
  }
  await evidence.atRest();
});

for (const mode of ['queued', 'direct'] as const) {
  test(`${mode}: a gateway that dies between the epoch and the gate is succeeded by any other`, async () => {
    const saleId = await shop.createSale({ mode, stock: 5 });
    await untilEpoch(saleId, 1);
    await takeEpoch(saleId, 1);
    await untilEpoch(saleId, 3);
    await untilBothSell(saleId, `heir ${mode}`);
  });
}

test('a replacement of the gate whose reply is lost is never sent again under its epoch', async () => {
  const sha = createHash('sha1').update(GATE_SCRIPTS.replace.lua).digest('hex');
  const epochs: string[] = [];
  wires.redis.onRequest((bytes) => {
    const text = bytes.toString();
    const epoch = /:staged_buyers:(\d+)/.exec(text)?.[1];
    if (!epoch || !(text.includes('-- replace:') || text.includes(sha))) return;
    if (epochs.push(epoch) === 1) wires.redis.loseAnswers(true);
  });
  const saleId = await bareSale('queued', 4);
  await until('it was sent, and its answer lost', () => epochs.length > 0);
  await until('an answer is lost', wires.redis.hasLost);
  wires.redis.loseAnswers(false);
  await untilBothSell(saleId, 'after the replacement');
  wires.redis.onRequest();
  assert.equal(new Set(epochs).size, epochs.length, `epochs: ${epochs}`);
  await evidence.atRest();
});

test('a gateway that starts finds the gate as it is, and changes nothing', async (t) => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  await shop.final((await buy(saleId, 'before')).orderId as string, 'before');
  await evidence.atRest();
  const before = await evidence.fingerprint();
  const third = await shop.start.gateway({}, t);
  await until('it sells', async () => (await buy(saleId, 'before', undefined, third.url)).httpStatus === 409);
  assert.deepEqual(await evidence.fingerprint(), before);
});

test('a gate of another Redis is a copy of unknown age: it is rebuilt', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  await redis.hset(keyOf(saleId, 'gate'), 'history', 'of-another-redis');
  await untilEpoch(saleId, 2);
  await untilBothSell(saleId, 'after the copy');
});

test('the gate is lost while an order is being charged: its ticket comes back when it is declined', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const rebuilt = untilEpoch(saleId, 2);
  proxies.payment.on('charge', async (_request, forward) => {
    await rebuilt;
    return forward();
  });
  await shop.bank.change({ declineRate: 1 });
  const { orderId } = await buy(saleId, 'poor');
  await until('its unit is held', async () => (await evidence.tracesOf('poor')).poor?.includes('unit held'));
  await loseGate(saleId);
  assert.equal((await shop.final(orderId as string, 'poor')).status, 'rejected');
  proxies.payment.on('charge');
  await shop.bank.change({ declineRate: 0 });
  await evidence.atRest();
  const { tickets, epoch } = await evidence.gate(saleId);
  assert.deepEqual([tickets, epoch], [3, 2]);
});

test('an order that a worker holds while its gate is rebuilt is refused by inventory, and takes no ticket', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const rebuilt = untilEpoch(saleId, 2);
  let inHand = false;
  proxies.inventory.on('reserve', async (_request, forward) => {
    inHand = true;
    await rebuilt;
    return forward();
  });
  const { orderId } = await buy(saleId, 'in hand');
  await until('a worker has it', () => inHand);
  await loseGate(saleId);
  const { status, reason } = await shop.final(orderId as string, 'in hand');
  proxies.inventory.on('reserve');
  assert.deepEqual([status, reason], ['rejected', 'stale_epoch']);
  await evidence.atRest();
  assert.equal((await evidence.gate(saleId)).tickets, 3);
});

test('more stock reaches the gate once, whichever gateway brings it, and a closed sale closes', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 2 });
  await untilBothSell(saleId, 'first');
  assert.equal((await buy(saleId, 'too late')).httpStatus, 410);
  await update(saleId, { addStock: 3 });
  await until('the gate has them', async () => (await evidence.gate(saleId)).tickets === 3);
  await untilBothSell(saleId, 'topped up');
  await update(saleId, { closed: true });
  for (const url of gateways)
    await until('it is closed', async () => (await buy(saleId, 'first 0', undefined, url)).httpStatus === 403);
  await evidence.atRest();
  const { tickets, stock, rev } = await evidence.gate(saleId);
  assert.deepEqual({ tickets, stock, rev }, { tickets: 1, stock: 5, rev: 3 });
});

test('a gateway that meets a gate it cannot use refreshes at once, not with the next interval', async (t) => {
  const slow = await shop.start.gateway({ REFRESH_MS: '3600000' }, t);
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  await until('it sells', async () => (await buy(saleId, 'first', undefined, slow.url)).httpStatus !== 503);
  await loseGate(saleId);
  await untilEpoch(saleId, 2);
  await until('it sells again', async () => (await buy(saleId, 'next', undefined, slow.url)).httpStatus === 202, 5_000);
  await evidence.atRest();
});

test('a rebuild that takes long is not overtaken by the other gateway: it costs one epoch', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const { promise: lookedAtOften, resolve: goOn } = Promise.withResolvers<void>();
  let [rounds, reopened] = [0, 0];
  proxies.gatewayInventory.on('reopen', async ({ saleId: id }: { saleId: string }, forward) => {
    const snapshot = await forward();
    if (id !== saleId) return snapshot;
    reopened += 1;
    await lookedAtOften;
    return snapshot;
  });
  await loseGate(saleId);
  await until('one gateway rebuilds it', () => reopened > 0);
  proxies.gatewayInventory.on('listSales', (_request, forward) => {
    rounds += 1;
    if (rounds > 20) goOn();
    return forward();
  });
  await untilEpoch(saleId, 2);
  for (const method of ['reopen', 'listSales']) proxies.gatewayInventory.on(method);
  await untilBothSell(saleId, 'after a long time');
  assert.deepEqual([reopened, (await saleOf(saleId)).epoch], [1, 2]);
});

test('an order cancelled between the snapshot and the new gate gives its ticket back, and an old confirmation keeps it no more', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const { orderId } = await buy(saleId, 'cancelled');
  await shop.final(orderId as string, 'cancelled');
  await until('it is sold', async () => (await recordOf(saleId, orderId))?.state === 'sold');
  const { promise: cancelled, resolve: goOn } = Promise.withResolvers<void>();
  let taken = false;
  proxies.gatewayInventory.on('reopen', async (_request, forward) => {
    const snapshot = await forward();
    taken = true;
    await cancelled;
    return snapshot;
  });
  await loseGate(saleId);
  await until('the snapshot is taken', () => taken);
  await shop.adminCancel(orderId as string);
  await until(
    'its event is applied',
    async () => (await shop.order(orderId as string, 'cancelled')).status === 'cancelled',
  );
  await untilEventsAreApplied();
  goOn();
  proxies.gatewayInventory.on('reopen');
  await untilEpoch(saleId, 2);
  await publish({
    orderId: orderId as string,
    saleId,
    buyerId: 'cancelled',
    epoch: 1,
    status: 'confirmed',
    version: 3,
  });
  await until('its ticket is back', async () => (await evidence.gate(saleId)).tickets === 3);
  await evidence.atRest();
});

test('an event that is lost leaves a gate at rest that contradicts inventory: it is rebuilt', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const { orderId } = await buy(saleId, 'cancelled unheard');
  await until('it is sold', async () => (await recordOf(saleId, orderId))?.state === 'sold');
  wires.gatewayAmqp.block(true);
  const consumers = async () => (await channel.checkQueue(RESULTS_QUEUE)).consumerCount;
  await until('the broker knows that the gateways are gone', async () => (await consumers()) === 0);
  await shop.adminCancel(orderId as string);
  await until('its events are with the broker', async () => {
    const { rows } = await evidence.stores.orders.query(PUBLISHED, [orderId]);
    return rows[0].published;
  });
  await shop.broker.purge(RESULTS_QUEUE);
  wires.gatewayAmqp.block(false);
  await untilEpoch(saleId, 2);
  assert.equal((await evidence.gate(saleId)).tickets, 3);
  await evidence.atRest();
});

test('a gate that admits an order for which there is no unit is rebuilt', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  await shop.final((await buy(saleId, 'first')).orderId as string, 'first');
  await redis.hset(keyOf(saleId, 'gate'), 'tickets', 1);
  const second = await until('it is admitted', async () => {
    const { httpStatus, orderId } = await buy(saleId, 'second');
    return httpStatus === 202 && orderId;
  });
  const { status, reason } = await shop.final(second, 'second');
  assert.deepEqual([status, reason], ['rejected', 'sold_out']);
  await untilEpoch(saleId, 2);
  await until('it is sold out', async () => (await buy(saleId, 'third')).httpStatus === 410);
  await evidence.atRest();
});

test('a sale that is over and has nothing held gets no new gate, and what was bought can still be read', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const { orderId } = await buy(saleId, 'in time');
  await shop.final(orderId as string, 'in time');
  await until('it is sold', async () => (await recordOf(saleId, orderId))?.state === 'sold');
  await update(saleId, { closed: true });
  const expires = async () => (await redis.pttl(keyOf(saleId, 'gate'))) > 0;
  await until('its keys expire', expires);
  await loseGate(saleId);
  await redis.del(viewKeyOf(orderId as string));
  const later = await bareSale('queued', 5);
  await untilBothSell(later, 'later');
  assert.deepEqual([(await saleOf(saleId)).epoch, (await evidence.gate(saleId)).epoch], [1, 0]);
  assert.equal((await shop.order(orderId as string, 'in time')).status, 'confirmed');
  await update(saleId, { closed: false });
  await untilEpoch(saleId, 2);
  await evidence.atRest();
});

// Last, because such a sale cannot pass the audit.
test('two reservations of one buyer in inventory do not keep the gate from being rebuilt', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  const reservation = `INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state)
    SELECT gen_random_uuid(), $1, 'twice', 1, 'sold' FROM generate_series(1, 2)`;
  await evidence.stores.inventory.query(reservation, [saleId]);
  await evidence.stores.inventory.query('UPDATE sales SET available = 3, sold = 2 WHERE id = $1', [saleId]);
  await loseGate(saleId);
  await untilEpoch(saleId, 2);
  await untilBothSell(saleId, 'beside them');
});
