// Kills and cuts in the middle of a burst, on the whole system as processes: no accepted order is lost, no unit is kept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Agent, request } from 'undici';
import type { ServiceName } from '../../infra/address-book/address-book.ts';
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { ifThere, managementApi } from '../../infra/native/namespace.ts';
import { until } from '../../infra/until.ts';
import { openSale } from '../demo/demo.ts';
import { run } from '../demo/run.ts';
import { settings } from '../demo/settings.ts';
import { type Held, type Intent, sendHolders } from './holders.ts';
import { type OwnStack, ownStack } from './own-stack.ts';

const BURST = { units: 150, buyers: 300, burstSeconds: 2 };
const BANK = { ...settings.bank, chargesPerSecond: 150 };
const KILLED_AT_YES = 40;
const SETTINGS = {
  bank: { CHARGES_PER_SECOND: String(BANK.chargesPerSecond) },
  gateway: { UNSENT_DUE_MS: '4000', SENT_DUE_MS: '4000', CONFIRM_TIMEOUT_MS: '2000' },
  orders: { CHARGE_TIMEOUT_MS: '3000' },
};

/** `killed` during a burst; holds last long enough for those who pay to do so while processes are killed and come back. */
const ONE_EACH = {
  killed: ['gateway', 'orders', 'inventory', 'payment', 'bank'] as ServiceName[],
  holds: { buyers: 1_000, seconds: 5, holdSeconds: 30 },
};
/** Here no buyer waits until a process is back, so that shorter holds will do. */
const TWO_EACH = {
  killed: ['gateway', 'orders'] as ServiceName[],
  holds: { buyers: 400, seconds: 2, holdSeconds: 12 },
};
/** A count of each process of these services that grows with the orders of a burst. */
const WORK: Partial<Record<ServiceName, string>> = { gateway: 'gateway_orders_total', orders: 'orders_batch_size_sum' };

describe('one of each', () => {
  const own = ownStack('kill', { settings: SETTINGS });
  testKills(own, ONE_EACH);
  testCuts(own);
});

describe('two gateways and two orders workers', () => {
  const own = ownStack('kill-two', { settings: SETTINGS, replicas: { gateway: 2, orders: 2 } });
  testKills(own, TWO_EACH);

  test('both workers took orders', async () => {
    const work = await Promise.all([0, 1].map((nth) => workOf(own, 'orders', nth)));
    assert.ok(
      work.every((orders) => orders > 0),
      work.join(),
    );
  });
});

function testKills(own: OwnStack, { killed, holds }: typeof ONE_EACH): void {
  for (const name of killed)
    test(`kill -9 ${name} during the queued burst: it is restarted, every 202 becomes final, the audit holds`, async () => {
      let back: (() => Promise<unknown>) | undefined;
      await burstWith(own, async () => {
        back = await kill(own, name);
      });
      await back?.();
    });

  test('kill -9 orders and the gateway while holds are paid, cancelled and expire: every unit is sold in the end', () =>
    holdsWithKills(own, holds));
}

/** One process of that service, at once: the one with most work. Returns a wait until its next one is ready. */
async function kill(own: OwnStack, name: ServiceName): Promise<() => Promise<unknown>> {
  const { services, replicas, gatewayUrl } = own.stack;
  const work = await Promise.all(replicas[name].map((_, nth) => workOf(own, name, nth)));
  const nth = work.indexOf(Math.max(...work));
  const [service, pid] = [services[name][nth], services[name][nth]?.pid()];
  assert.ok(service && pid, `${name} runs`);
  process.kill(pid, 'SIGKILL');
  await until(`${name} has ended`, () => service.pid() !== pid, { everyMs: 1 });
  if (name === 'gateway' && replicas.gateway.length > 1) await assertResponds(gatewayUrl);
  return async () => {
    await until(`${name} is running again`, () => service.pid() !== undefined && service.pid() !== pid);
    await until(`${name} is ready again`, async () => (await fetch(`${replicas[name][nth]?.ops}/readyz`)).ok);
  };
}

async function workOf({ stack }: OwnStack, name: ServiceName, nth: number): Promise<number> {
  const scrape = async () => (await fetch(`${stack.replicas[name][nth]?.ops}/metrics`)).text();
  const metrics = await scrape().catch(() => '');
  const samples = metrics.matchAll(new RegExp(`^${WORK[name]}(?:{.*})? (.*)$`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Each time over a new connection, as of a buyer who comes after the kill. */
async function assertResponds(gatewayUrl: string): Promise<void> {
  const agent = new Agent({ pipelining: 0 });
  for (let nth = 0; nth < 20; nth++) {
    const { statusCode, body } = await request(`${gatewayUrl}/v1/sales`, { dispatcher: agent });
    await body.dump();
    assert.equal(statusCode, 200);
  }
  await agent.close();
}

/** Sends a burst, and calls `interrupt` in its middle, as soon as enough orders are accepted. */
async function burstWith(own: OwnStack, interrupt: () => Promise<void>): Promise<void> {
  const environment = { ...own.stack, ...own, bank: BANK, finalWithinSeconds: 60 };
  const saleId = await openSale(environment, 'queued', BURST.units);
  let interrupted: Promise<void> | undefined;
  const { figures, untrueYes, audits } = await run(environment, saleId, BURST, ({ yes, refused, other }) => {
    if (yes >= KILLED_AT_YES && yes + refused + other < BURST.buyers) interrupted ??= interrupt();
  });
  assert.ok(interrupted, 'it came during the burst');
  await interrupted;
  assert.ok(figures.yes >= KILLED_AT_YES);
  assert.equal(untrueYes, 0, 'nothing declines here, so every 202 became final and was confirmed');
  assert.ok(audits.atRest.ok, JSON.stringify(audits.atRest.checks.filter(({ ok }) => !ok)));
}

type Holds = (typeof ONE_EACH)['holds'];
async function holdsWithKills(own: OwnStack, holds: Holds): Promise<void> {
  const { stack, stores } = own;
  const environment = { ...stack, ...own, bank: BANK, finalWithinSeconds: 60 };
  await stores.bank.change(BANK);
  const saleId = await openSale(environment, 'queued', holds.buyers, holds.holdSeconds);
  const kills: Promise<() => Promise<unknown>>[] = [];
  // Each in its turn: orders while it reserves, the gateway and orders again while buyers pay and cancel.
  const killAt = (nth: number, reached: boolean, name: ServiceName) => {
    if (kills.length === nth && reached) kills.push(kill(own, name));
  };
  const buyers = { saleId, name: `holder-${saleId.slice(-6)}`, count: holds.buyers, seconds: holds.seconds };
  const held = await sendHolders(environment, buyers, {
    onTally: ({ yes }) => killAt(0, yes >= holds.buyers / 4, 'orders'),
    onActed(acted) {
      killAt(1, acted >= holds.buyers / 4, 'gateway');
      killAt(2, acted >= holds.buyers / 2, 'orders');
    },
  });
  assert.equal(kills.length, 3, 'each kill came while there was work');
  await Promise.all(kills.map(async (back) => (await back)()));
  assertEndsAreTrue(held);

  const shop = createShop(stack.gatewayUrl);
  const confirmed = held.filter((order) => order.ended === 'confirmed').length;
  const back = holds.buyers - confirmed;
  assert.ok(confirmed > 0 && back > 0, `${confirmed} confirmed, ${back} come back`);
  const remaining = async () => (await shop.sale(saleId)).remaining;
  await until('what was not paid is on sale again', async () => (await remaining()) === back, 60_000);

  const later = {
    saleId,
    name: `later-${saleId.slice(-6)}`,
    count: back,
    seconds: holds.seconds,
    only: 'pay' as const,
  };
  const bought = await sendHolders(environment, later);
  assert.deepEqual(Object.keys(Object.groupBy(bought, (order) => order.ended ?? 'unknown')), ['confirmed']);
  assert.equal(bought.length + confirmed, holds.buyers, 'every unit is sold');
  const atRest = await audit(stores, { atRest: true, withinMs: 60_000 });
  assert.ok(atRest.ok, describeShortly(atRest).join('\n'));
}

/** Each order ended as the response to its buyer promised. */
function assertEndsAreTrue(held: Held[]): void {
  assert.deepEqual(
    held.filter(({ ended }) => !ended),
    [],
    'each hold has ended',
  );
  const those = (intent: Intent, promised: (answered: number | null) => boolean) =>
    held.filter((order) => order.intent === intent && promised(order.answered));
  for (const { ended } of those('leave', () => true)) assert.equal(ended, 'expired');
  for (const { ended } of those('pay', (answered) => answered === 201 || answered === 202))
    assert.equal(ended, 'confirmed', 'a payment that was accepted');
  for (const { ended } of those('cancel', (answered) => answered === 200))
    assert.equal(ended, 'cancelled', 'a cancellation that was accepted');
}

function testCuts(own: OwnStack): void {
  test('every client connection to Postgres is closed during the queued burst: every 202 becomes final, the audit holds', async () => {
    await burstWith(own, async () => {
      for (const url of Object.values(own.stack.databases)) {
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

  test('every client connection to Redis is closed during the queued burst: every 202 becomes final, the audit holds', async () => {
    await burstWith(own, async () => {
      const redis = new Redis(own.stack.redisUrl);
      const killed = await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      assert.ok(Number(killed) > 0, 'there were connections to close');
      redis.disconnect();
    });
  });

  test('every client connection to RabbitMQ is closed during the queued burst: every 202 becomes final, the audit holds', async () => {
    await burstWith(own, async () => {
      const rabbit = managementApi(own.stack.rabbitManagementUrl);
      const connections = (await rabbit('GET', 'connections')) as { name: string }[];
      assert.ok(connections.length > 0, 'there were connections to close');
      for (const { name } of connections) await ifThere(rabbit('DELETE', `connections/${encodeURIComponent(name)}`));
    });
  });
}
