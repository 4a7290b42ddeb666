// Gates in a whole shop: opened by whoever comes first, opened anew after a loss, and never selling more than there is.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import { call, connectTo } from '@flashsale/rpc/client';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { aSale } from './gates.ts';

const PATIENT = '60000';
const shop = await openShop({
  orders: { RPC_DEADLINE_MS: PATIENT, CHARGE_PATIENCE_MS: PATIENT, RESUME_AFTER_MS: PATIENT },
});
const second = await shop.start.gateway();
await shop.ready(second.ops);
const inventory = connectTo(InventoryServiceClient, shop.services.inventory.address, { retries: 'idempotent' });
after(async () => {
  inventory.close();
  await second.stop();
  await shop.close();
});
await shop.ready(second.ops);
const { wires, proxies, evidence, buy, services } = shop;
const { redis } = evidence.stores;
const gateways = [services.gateway.url, second.url];

/** In inventory only, as somebody leaves it who dies before its gate is opened. */
async function bareSale(mode: 'queued' | 'direct', stock: number): Promise<string> {
  const { id: saleId, stock: initial, ...sale } = aSale(stock, { mode, perBuyerLimit: 1 });
  const given = { ...sale, saleId, initial, available: 0, held: 0, sold: 0 };
  await call(inventory, inventory.createSale, { sale: given }, { deadlineMs: 10_000 });
  return saleId;
}
const saleOf = async (saleId: string) =>
  (await call(inventory, inventory.getSale, { saleId }, { deadlineMs: 10_000 })).sale as { epoch: number };
const update = (saleId: string, change: { addStock?: number; closed?: boolean }) =>
  call(inventory, inventory.updateSale, { saleId, addStock: 0, ...change }, { deadlineMs: 10_000 });

/** A buyer of that name is let in at each gateway; who was let in before it could be said is told 409 the next time. */
async function untilBothSell(saleId: string, name: string): Promise<void> {
  for (const [i, url] of gateways.entries())
    await until('it sells', async () =>
      [201, 202, 409].includes((await buy(saleId, `${name} ${i}`, undefined, url)).httpStatus),
    );
}
const untilEpoch = (saleId: string, epoch: number) =>
  until(`the gate of epoch ${epoch} is open`, async () => (await evidence.gate(saleId)).epoch === epoch);

/** What FLUSHDB does, to one sale. */
const loseGate = (saleId: string) =>
  redis.del(...['gate', 'buyers', 'orders', 'due', 'line', 'keys'].map((part) => `sale:{${saleId}}:${part}`));

test('Redis is emptied while orders are in line: rebuilt from inventory, nothing oversold, every 202 final', async () => {
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
  test(`${mode}: whoever fenced the gate and died before opening it is succeeded by anybody`, async () => {
    const saleId = await shop.createSale({ mode, stock: 5 });
    await untilEpoch(saleId, 1);
    await call(inventory, inventory.reopen, { saleId, expectedEpoch: 1 }, { deadlineMs: 10_000 });
    await untilEpoch(saleId, 3);
    await untilBothSell(saleId, `heir ${mode}`);
  });
}

test('a flip whose answer is lost is never sent again under its epoch', async () => {
  const sha = createHash('sha1')
    .update(readFileSync(new URL('../src/outbound/gate/flip.lua', import.meta.url)))
    .digest('hex');
  const flips: string[] = [];
  wires.redis.onRequest((bytes) => {
    const text = bytes.toString();
    const epoch = /:buyers:staged:(\d+)/.exec(text)?.[1];
    if (!epoch || !(text.includes('-- flip:') || text.includes(sha))) return;
    if (flips.push(epoch) === 1) wires.redis.loseAnswers(true);
  });
  const saleId = await bareSale('queued', 4);
  await until('a flip was sent, and its answer lost', () => flips.length > 0);
  await until('an answer is lost', wires.redis.hasLost);
  wires.redis.loseAnswers(false);
  await untilBothSell(saleId, 'after the flip');
  wires.redis.onRequest();
  assert.equal(new Set(flips).size, flips.length, `epochs flipped: ${flips}`);
  await evidence.atRest();
});

test('a gateway that starts finds the gate as it is, and changes nothing', async (t) => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  await shop.final((await buy(saleId, 'before')).orderId as string, 'before');
  await evidence.atRest();
  const before = await evidence.fingerprint();
  const third = await shop.start.gateway();
  await shop.ready(third.ops);
  t.after(() => third.stop());
  await until('it sells', async () => (await buy(saleId, 'before', undefined, third.url)).httpStatus === 409);
  assert.deepEqual(await evidence.fingerprint(), before);
});

test('a gate of another Redis process is an older copy: it is opened anew', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  await redis.hset(`sale:{${saleId}}:gate`, 'process', 'another:redis');
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

test('an order still in a worker’s hand when its gate is rebuilt is refused by inventory, and takes no ticket', async () => {
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

test('more stock reaches the gate once, whoever brings it, and a closed sale closes', async () => {
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
  const { tickets, supply, rev } = await evidence.gate(saleId);
  assert.deepEqual({ tickets, supply, rev }, { tickets: 1, supply: 5, rev: 3 });
});

test('a gateway that meets a gate it does not know looks at once, not at its next round', async (t) => {
  const drowsy = await shop.start.gateway({ ROUND_MS: '3600000' });
  await shop.ready(drowsy.ops);
  t.after(() => drowsy.stop());
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  await until('it sells', async () => (await buy(saleId, 'first', undefined, drowsy.url)).httpStatus !== 503);
  await loseGate(saleId);
  await untilEpoch(saleId, 2);
  await until(
    'it sells again',
    async () => (await buy(saleId, 'next', undefined, drowsy.url)).httpStatus === 202,
    5_000,
  );
  await evidence.atRest();
});
