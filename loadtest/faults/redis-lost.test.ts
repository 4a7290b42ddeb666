// Redis is killed and comes back empty, with a long queue behind the gate: the sale goes on, and no accepted order is lost.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { audit } from '../../infra/audit/audit.ts';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { findServers } from '../../infra/native/find-servers.ts';
import { withRedis } from '../../infra/native/namespace.ts';
import { until } from '../../infra/until.ts';
import { settings } from '../demo/settings.ts';
import { ownStack } from './own-stack.ts';

const UNITS = 100_000;
const WAITING = 20_000;
const SLOW_BANK = { ...settings.bank, chargesPerSecond: 20 };
const FAST_BANK = { ...settings.bank, chargesPerSecond: 0, latencyMs: { p50: 1, p99: 2 } };
const { redis: REDIS } = findServers();

const own = ownStack('redis-lost');

test('100,000 units, 20,000 orders wait for the bank, Redis is killed and empty: it sells again, no 202 is rejected', async (t) => {
  if (!REDIS) return t.skip('Redis runs in a container here');
  const { stack, stores } = own;
  await stores.bank.change(SLOW_BANK);
  const saleId = await openSale();
  await buy(saleId, 'waiting', WAITING, 300);
  await until('all are reserved', async () => (await statuses(saleId)).placed === undefined, 60_000);

  const shop = createShop(stack.gatewayUrl);
  const killedAt = performance.now();
  await restartRedisEmpty();
  const again = createBuyers(stack.tokenSecrets, 'again', 1)[0]?.token ?? '';
  await until('the sale sells again', async () => (await shop.buy(saleId, again)) === 202, {
    withinMs: 60_000,
    everyMs: 100,
  });
  t.diagnostic(`sold again ${((performance.now() - killedAt) / 1_000).toFixed(1)} s after the kill`);
  const taken = WAITING + 1;
  const { remaining } = await shop.sale(saleId);
  assert.equal(remaining, UNITS - taken, 'tickets are what is available less what was admitted since');

  await stores.bank.change(FAST_BANK);
  await until('every order is decided', async () => (await statuses(saleId)).confirmed === taken, 120_000);
  assert.deepEqual(await statuses(saleId), { confirmed: taken });
  const { ok, checks } = await audit(stores, { atRest: true, withinMs: 60_000 });
  assert.ok(ok, JSON.stringify(checks.filter((check) => !check.ok)));
});

/** Its orders may take a day: a shorter time would refuse most of a queue of 1,000 s before it is admitted. */
async function openSale(): Promise<string> {
  const { stack } = own;
  const [opensAt, closesAt] = [-1_000, 86_400_000].map((ms) => new Date(Date.now() + ms).toISOString()) as [
    string,
    string,
  ];
  const product = { sku: 'queue', title: 'a sale with a long queue', price: settings.price, stock: UNITS };
  const shop = createShop(stack.gatewayUrl);
  const draft = {
    ...product,
    opensAt,
    closesAt,
    perBuyerLimit: 1,
    mode: 'queued' as const,
    decideWithinSeconds: 86_400,
  };
  const { id } = await shop.createSale(draft, createTokens(stack.tokenSecrets)('admin', { admin: true }));
  await until(`sale ${id} is open`, async () => (await shop.sale(id)).remaining === UNITS);
  return id;
}

async function buy(saleId: string, name: string, buyers: number, seconds: number) {
  const { stack, generator } = own;
  const tokens = createBuyers(stack.tokenSecrets, name, buyers).map(({ token }) => token);
  const load = {
    gatewayUrl: stack.gatewayUrl,
    saleId,
    tokens,
    timeoutMs: 10_000,
    seconds,
    connections: 64,
    clicks: buyers,
  };
  const { statuses } = await generator.send({ ...load, keep: false });
  assert.deepEqual(statuses, { 202: buyers });
}

async function statuses(saleId: string): Promise<Record<string, number>> {
  const counts = 'SELECT status, count(*)::int AS orders FROM orders WHERE sale_id = $1 GROUP BY status';
  const { rows } = await own.stores.orders.query(counts, [saleId]);
  return Object.fromEntries(rows.map(({ status, orders }) => [status, orders]));
}

/** A new process with the same configuration and no data. */
async function restartRedisEmpty() {
  const { stack } = own;
  process.kill(stack.pids.redis as number, 'SIGKILL');
  const home = join(stack.dir, 'redis');
  await until('its port is free', async () => !(await responds()));
  rmSync(join(home, 'appendonlydir'), { recursive: true, force: true });
  const server = spawn(REDIS as string, [join(home, 'redis.conf')], { stdio: 'ignore' });
  after(() => void server.kill());
  await until('the new Redis responds', responds);
}

const responds = () =>
  withRedis(own.stack.redisUrl, (redis) => redis.ping()).then(
    () => true,
    () => false,
  );
