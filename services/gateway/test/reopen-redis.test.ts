// Events in Redis itself: a backup, a second gateway, a demotion, no memory. Each costs few epochs, or none.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { InventoryServiceClient, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { keyOf } from '@flashsale/contracts/keys';
import { call, connectTo } from '@flashsale/rpc/client';
import { Registry } from '@prometheus-io/client';
import { Redis } from 'ioredis';
import { startPrivateRedis } from '../../../infra/testbed/servers.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { aSale } from './gates.ts';

const main = await startPrivateRedis();
const other = await startPrivateRedis();
const gatewayEnv = { REDIS_URL: main.url, REBUILD_COURTESY_MS: '500' };
const shop = await openShop({ gateway: gatewayEnv });
const inventory = shop.closed(
  connectTo(InventoryServiceClient, shop.services.inventory.address, {
    retries: 'idempotent',
    registry: new Registry(),
  }),
);
const redis = new Redis(main.url);
redis.on('error', () => undefined);
after(async () => {
  redis.disconnect();
  await main.stop();
  await other.stop();
});
const { buy } = shop;

const epochOf = async (saleId: string) =>
  ((await call(inventory, inventory.getSale, { saleId }, { deadlineMs: 10_000 })).sale as WireSale).epoch;
const untilSells = (saleId: string, buyer: string, url?: string) =>
  until('it sells', async () => [202, 409].includes((await buy(saleId, buyer, undefined, url)).httpStatus));
/** A sale whose gate need not be open. */
async function make(): Promise<string> {
  const { title, sku, price } = aSale(1);
  const window = { opensAt: '2020-01-01T00:00:00Z', closesAt: '2120-01-01T00:00:00Z' };
  const body = JSON.stringify({ ...window, title, sku, price, mode: 'queued', stock: 5 });
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  const response = await shop.request('/v1/sales', init, shop.tokenFor('admin', { admin: true }));
  assert.equal(response.status, 201);
  return ((await response.json()) as { id: string }).id;
}
/** So many refreshes of the gateway have tried to rebuild the gate, and could not. */
async function untilTried(times: number) {
  const metrics = async () => (await fetch(`http://127.0.0.1:${shop.services.gateway.ops}/metrics`)).text();
  const failed = async () => Number(/^gateway_gate_rebuilds_failed_total\S* (\d+)/m.exec(await metrics())?.[1] ?? 0);
  const before = await failed();
  await until(`it has tried ${times} times`, async () => (await failed()) - before >= times);
}

test('a backup of Redis and a second gateway cost one epoch at most, and both gateways sell', async (t) => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 20 });
  await untilSells(saleId, 'before');
  // A replica that attaches gives the data of its primary a new history, as a backup over the network does.
  const { port, hostname } = new URL(main.url);
  await other.run((replica) => replica.replicaof(hostname, port));
  await until('it is attached', async () => (await redis.info('replication')).includes('state=online'));
  await until('the gate is rebuilt', async () => (await epochOf(saleId)) === 2);
  await other.run((replica) => replica.replicaof('NO', 'ONE'));
  await untilSells(saleId, 'after');
  const second = await shop.start.gateway(gatewayEnv, t);
  await untilSells(saleId, 'at the second', second.url);
  await untilSells(saleId, 'at the first');
  assert.equal(await epochOf(saleId), 2);
});

test('a Redis that became a replica costs no epoch while it cannot be written, and one when it can again', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 20 });
  await untilSells(saleId, 'before');
  const { port, hostname } = new URL(other.url);
  await redis.replicaof(hostname, port);
  await until('it has turned', async () => (await redis.info('replication')).includes('role:slave'));
  // It is responded to once the gateway has tried to open its gate.
  const unopened = await make();
  assert.equal((await buy(saleId, 'meanwhile')).httpStatus, 503);
  assert.deepEqual([await epochOf(saleId), await epochOf(unopened)], [1, 0]);
  await redis.replicaof('NO', 'ONE');
  await untilSells(saleId, 'afterwards');
  assert.equal(await epochOf(saleId), 2);
  await untilSells(unopened, 'first');
  assert.equal(await epochOf(unopened), 1);
});

test('a Redis without room for the new gate costs no epoch', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 20 });
  await untilSells(saleId, 'before');
  await redis.config('SET', 'maxmemory', '1');
  await redis.call('EVAL', '#!lua flags=allow-oom\nreturn redis.call("DEL", KEYS[1])', 1, keyOf(saleId, 'gate'));
  await untilTried(5);
  assert.equal(await epochOf(saleId), 1);
  await redis.config('SET', 'maxmemory', '0');
  await untilSells(saleId, 'afterwards');
  assert.equal(await epochOf(saleId), 2);
});
