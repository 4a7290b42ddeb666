// Gates in a whole shop: opened by any gateway, rebuilt after a loss, and never selling more than there is.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { keyOf, VIEW_KEYS } from '@flashsale/contracts/keys';
import { until } from '../../../infra/until.ts';
import { GATE_SCRIPTS } from '../src/outbound/gate/scripts.ts';
import {
  bareSale,
  buy,
  evidence,
  gateways,
  loseGate,
  proxies,
  recordOf,
  redis,
  saleOf,
  shop,
  takeEpoch,
  untilBothSell,
  untilEpoch,
  update,
  wires,
} from './reopened-shop.ts';

test('Redis is emptied while orders wait: rebuilt from inventory, nothing oversold, every 202 final', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 12 });
  wires.ordersAmqp.block(true);
  const inQueue = await Promise.all(Array.from({ length: 8 }, (_, i) => buy(saleId, `in queue ${i}`)));
  await redis.flushdb();
  assert.equal((await buy(saleId, 'meanwhile')).httpStatus, 503);
  wires.ordersAmqp.block(false);
  await until('it sells', async () => (await buy(saleId, 'in queue 0')).httpStatus === 409);
  const statuses = await Promise.all(
    Array.from({ length: 20 }, (_, i) => buy(saleId, `later ${i}`).then((it) => it.httpStatus)),
  );
  assert.deepEqual(statuses.filter((status) => status === 202).length, 4);
  for (const [i, { orderId, httpStatus }] of inQueue.entries()) {
    assert.equal(httpStatus, 202);
    assert.equal((await shop.final(orderId as string, `in queue ${i}`)).status, 'confirmed');
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
    if (epochs.push(epoch) === 1) wires.redis.loseResponses(true);
  });
  const saleId = await bareSale('queued', 4);
  await until('it was sent, and its reply lost', () => epochs.length > 0);
  await until('a reply is lost', wires.redis.hasLost);
  wires.redis.loseResponses(false);
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
  const { promise: refreshedOften, resolve: goOn } = Promise.withResolvers<void>();
  let [refreshes, reopened] = [0, 0];
  proxies.gatewayInventory.on('reopen', async ({ saleId: id }: { saleId: string }, forward) => {
    const snapshot = await forward();
    if (id !== saleId) return snapshot;
    reopened += 1;
    await refreshedOften;
    return snapshot;
  });
  await loseGate(saleId);
  await until('one gateway rebuilds it', () => reopened > 0);
  proxies.gatewayInventory.on('listSales', (_request, forward) => {
    refreshes += 1;
    if (refreshes > 20) goOn();
    return forward();
  });
  await untilEpoch(saleId, 2);
  for (const method of ['reopen', 'listSales']) proxies.gatewayInventory.on(method);
  await untilBothSell(saleId, 'after a long time');
  assert.deepEqual([reopened, (await saleOf(saleId)).epoch], [1, 2]);
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
  await redis.del(`${VIEW_KEYS}${orderId as string}`);
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
