// Kills and cuts in the middle of a queued crowd, on the whole system as processes: nothing that was said yes to is lost.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { ServiceName } from '../../infra/address-book/address-book.ts';
import { audit } from '../../infra/audit/audit.ts';
import { openStores } from '../../infra/audit/stores.ts';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import { answerOf } from '../../infra/clients/answer.ts';
import { createShop, type Shop } from '../../infra/clients/shop.ts';
import { createGenerator, type Generator } from '../../infra/crowd/crowd.ts';
import { ifThere, managementApi } from '../../infra/native/namespace.ts';
import { type Stack, startStack } from '../../infra/native/stack.ts';
import { until } from '../../infra/until.ts';
import { isFinal } from '../figures/figures.ts';
import { untilFinal } from '../figures/finals.ts';

const STOCK = 150;
const BUYERS = 300;
const CROWD_SECONDS = 2;
const FINAL_WITHIN_MS = 60_000;
const STRUCK_AFTER = 40;

let stack: Stack;
let shop: Shop;
let generator: Generator;

before(async () => {
  stack = await startStack({
    dir: join(import.meta.dirname, `../../.local/kill-${process.pid}`),
    settings: {
      bank: { CHARGES_PER_SECOND: '150' },
      gateway: { UNSENT_DUE_MS: '4000', SENT_DUE_MS: '4000', CONFIRM_TIMEOUT_MS: '2000' },
      orders: { CHARGE_PATIENCE_MS: '3000', RESUME_AFTER_MS: '6000' },
    },
  });
  shop = createShop(stack.gatewayUrl);
  generator = createGenerator();
});

after(async () => {
  await generator?.stop();
  await stack?.stop();
});

/** A crowd, struck once some of it has been said yes to; answers how many yes there were. */
async function crowdStruckBy(strike: () => Promise<void>): Promise<number> {
  const admin = createTokens(stack.tokenSecret)('admin', { admin: true });
  const sale = {
    sku: 'kill',
    title: 'A sale with an accident',
    price: { amountMinor: 100, currency: 'EUR' },
    stock: STOCK,
    opensAt: new Date(Date.now() - 1_000).toISOString(),
    closesAt: new Date(Date.now() + 3_600_000).toISOString(),
    perBuyerLimit: 1,
    mode: 'queued' as const,
  };
  const { id: saleId } = await until('the sale is made', () => shop.createSale(sale, admin));
  await until('its gate is open', async () => (await shop.sale(saleId)).remaining === STOCK);
  const buyers = createBuyers(stack.tokenSecret, `buyer-${randomUUID().slice(0, 8)}`, BUYERS);
  const tokens = buyers.map((buyer) => buyer.token);
  const order = { gatewayUrl: stack.gatewayUrl, saleId, tokens, seconds: CROWD_SECONDS, timeoutMs: 8_000 };

  let struck: Promise<void> | undefined;
  const crowd = await generator.send(order, {
    tally({ yes }) {
      if (yes >= STRUCK_AFTER) struck ??= strike();
    },
    left: () => undefined,
  });
  assert.ok(struck, 'the strike came while the crowd was there');
  await struck;

  const asked = crowd.clicks.flatMap((click, index) =>
    click.orderId ? [{ orderId: click.orderId, token: tokens[index] ?? '', yes: answerOf(click) === 'yes' }] : [],
  );
  const orders = await untilFinal(shop, asked, FINAL_WITHIN_MS);
  const promised = asked.filter(({ yes }) => yes).map(({ orderId }) => orderId);
  assert.deepEqual(
    promised.filter((orderId) => !isFinal(orders.get(orderId))),
    [],
    'every 202 became final',
  );
  assert.deepEqual(
    promised.filter((orderId) => orders.get(orderId)?.status !== 'confirmed'),
    [],
    'nothing declines here, so every 202 was confirmed',
  );
  await auditHolds();
  return promised.length;
}

/** With connections of its own, since the accident may have been theirs too. */
async function auditHolds(): Promise<void> {
  const stores = openStores(stack);
  try {
    await stores.redis.connect();
    const { ok, checks } = await audit(stores, { atRest: true, patienceMs: FINAL_WITHIN_MS });
    assert.ok(ok, JSON.stringify(checks.filter((check) => !check.ok)));
  } finally {
    await stores.close();
  }
}

for (const name of ['gateway', 'orders', 'inventory', 'payment', 'bank'] satisfies ServiceName[]) {
  test(`kill -9 ${name} during the queued crowd: it is restarted, every 202 becomes final, the audit holds`, async () => {
    const service = stack.services[name];
    const pid = service.pid();
    assert.ok(pid);
    const yes = await crowdStruckBy(async () => {
      process.kill(pid, 'SIGKILL');
    });
    assert.ok(yes >= STRUCK_AFTER);
    await until(`${name} is running again`, () => service.pid() !== undefined && service.pid() !== pid);
    await until(`${name} is ready again`, async () => (await fetch(`${stack.ops[name]}/readyz`)).ok);
  });
}

test('every client connection to Postgres is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await crowdStruckBy(async () => {
    for (const url of Object.values(stack.databases)) {
      const client = new pg.Client(url);
      await client.connect();
      const { rowCount } = await client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()',
      );
      assert.ok(rowCount, 'there were connections to close');
      await client.end();
    }
  });
});

test('every client connection to Redis is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await crowdStruckBy(async () => {
    const redis = new Redis(stack.redisUrl);
    const killed = await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    assert.ok(Number(killed) > 0, 'there were connections to close');
    redis.disconnect();
  });
});

test('every client connection to RabbitMQ is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await crowdStruckBy(async () => {
    const rabbit = managementApi(stack.rabbitManagementUrl);
    const connections = (await rabbit('GET', 'connections')) as { name: string }[];
    assert.ok(connections.length > 0, 'there were connections to close');
    for (const { name } of connections) await ifThere(rabbit('DELETE', `connections/${encodeURIComponent(name)}`));
  });
});
