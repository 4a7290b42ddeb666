// Kills and cuts in the middle of a crowd, on the whole system as processes: no accepted order is lost, no unit is kept.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { ServiceName } from '../../infra/address-book/address-book.ts';
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { openStores } from '../../infra/audit/stores.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { createGenerator } from '../../infra/load/generator.ts';
import { LOCAL } from '../../infra/native/leftovers.ts';
import { ifThere, managementApi } from '../../infra/native/namespace.ts';
import { type Stack, startStack } from '../../infra/native/stack.ts';
import { until } from '../../infra/until.ts';
import { openSale } from '../demo/demo.ts';
import { run } from '../demo/run.ts';
import { settings } from '../demo/settings.ts';
import { type Held, type Intent, sendHolders } from './holders.ts';

const BURST = { units: 150, buyers: 300, burstSeconds: 2 };
const BANK = { ...settings.bank, chargesPerSecond: 150 };
const KILLED_AT_YES = 40;
/** Long enough for the buyers who pay to do so while processes are killed and come back. */
const HOLDS = { buyers: 1_000, seconds: 5, holdSeconds: 30 };

let stack: Stack;

before(async () => {
  stack = await startStack({
    dir: join(LOCAL, `kill-${process.pid}`),
    settings: {
      bank: { CHARGES_PER_SECOND: String(BANK.chargesPerSecond) },
      gateway: { UNSENT_DUE_MS: '4000', SENT_DUE_MS: '4000', CONFIRM_TIMEOUT_MS: '2000' },
      orders: { CHARGE_TIMEOUT_MS: '3000' },
    },
  });
});

after(() => stack?.stop());

/** The process of that service, at once. Returns a wait until another one runs and is ready. */
function kill(name: ServiceName): () => Promise<unknown> {
  const service = stack.services[name];
  const pid = service.pid();
  assert.ok(pid, `${name} runs`);
  process.kill(pid, 'SIGKILL');
  return async () => {
    await until(`${name} is running again`, () => service.pid() !== undefined && service.pid() !== pid);
    await until(`${name} is ready again`, async () => (await fetch(`${stack.ops[name]}/readyz`)).ok);
  };
}

/** Sends a crowd, and calls `interrupt` in its middle, as soon as enough orders are accepted. */
async function burstWith(interrupt: () => Promise<void>): Promise<void> {
  await using ended = new AsyncDisposableStack();
  const generator = ended.adopt(createGenerator(), async ({ stop }) => void (await stop()));
  const stores = ended.adopt(openStores(stack), ({ close }) => close());
  const environment = { ...stack, stores, generator, bank: BANK, finalWithinSeconds: 60 };
  const saleId = await openSale(environment, 'queued', BURST.units);
  let interrupted: Promise<void> | undefined;
  const { figures, untrueYes, audits } = await run(environment, saleId, BURST, ({ yes, refused, other }) => {
    if (yes >= KILLED_AT_YES && yes + refused + other < BURST.buyers) interrupted ??= interrupt();
  });
  assert.ok(interrupted, 'it came while the crowd was there');
  await interrupted;
  assert.ok(figures.yes >= KILLED_AT_YES);
  assert.equal(untrueYes, 0, 'nothing declines here, so every 202 became final and was confirmed');
  assert.ok(audits.atRest.ok, JSON.stringify(audits.atRest.checks.filter(({ ok }) => !ok)));
}

for (const name of ['gateway', 'orders', 'inventory', 'payment', 'bank'] satisfies ServiceName[]) {
  test(`kill -9 ${name} during the queued crowd: it is restarted, every 202 becomes final, the audit holds`, async () => {
    let back: (() => Promise<unknown>) | undefined;
    await burstWith(async () => {
      back = kill(name);
    });
    await back?.();
  });
}

test('kill -9 orders and the gateway while holds are paid, cancelled and expire: every unit is sold in the end', async () => {
  await using ended = new AsyncDisposableStack();
  const generator = ended.adopt(createGenerator(), async ({ stop }) => void (await stop()));
  const stores = ended.adopt(openStores(stack), ({ close }) => close());
  const environment = { ...stack, stores, generator, bank: BANK, finalWithinSeconds: 60 };
  await stores.bank.change(BANK);
  const saleId = await openSale(environment, 'queued', HOLDS.buyers, HOLDS.holdSeconds);
  const kills: (() => Promise<unknown>)[] = [];
  // Each in its turn: orders while it reserves, the gateway and orders again while buyers pay and cancel.
  const killAt = (nth: number, reached: boolean, name: ServiceName) => {
    if (kills.length === nth && reached) kills.push(kill(name));
  };
  const burst = { saleId, name: `holder-${saleId.slice(-6)}`, count: HOLDS.buyers, seconds: HOLDS.seconds };
  const held = await sendHolders(environment, burst, {
    onTally: ({ yes }) => killAt(0, yes >= HOLDS.buyers / 4, 'orders'),
    onActed(acted) {
      killAt(1, acted >= HOLDS.buyers / 4, 'gateway');
      killAt(2, acted >= HOLDS.buyers / 2, 'orders');
    },
  });
  assert.equal(kills.length, 3, 'each kill came while there was work');
  await Promise.all(kills.map((back) => back()));
  assertEndsAreTrue(held);

  const shop = createShop(stack.gatewayUrl);
  const confirmed = held.filter((order) => order.ended === 'confirmed').length;
  const back = HOLDS.buyers - confirmed;
  assert.ok(confirmed > 0 && back > 0, `${confirmed} confirmed, ${back} come back`);
  const remaining = async () => (await shop.sale(saleId)).remaining;
  await until('what was not paid is on sale again', async () => (await remaining()) === back, 60_000);

  const later = {
    saleId,
    name: `later-${saleId.slice(-6)}`,
    count: back,
    seconds: HOLDS.seconds,
    only: 'pay' as const,
  };
  const bought = await sendHolders(environment, later);
  assert.deepEqual(Object.keys(Object.groupBy(bought, (order) => order.ended ?? 'unknown')), ['confirmed']);
  assert.equal(bought.length + confirmed, HOLDS.buyers, 'every unit is sold');
  const atRest = await audit(stores, { atRest: true, withinMs: 60_000 });
  assert.ok(atRest.ok, describeShortly(atRest).join('\n'));
});

/** What a buyer was told is what became of the order. */
function assertEndsAreTrue(held: Held[]): void {
  assert.deepEqual(
    held.filter(({ ended }) => !ended),
    [],
    'each hold has ended',
  );
  const those = (intent: Intent, told: (answered: number | null) => boolean) =>
    held.filter((order) => order.intent === intent && told(order.answered));
  for (const { ended } of those('leave', () => true)) assert.equal(ended, 'expired');
  for (const { ended } of those('pay', (answered) => answered === 201 || answered === 202))
    assert.equal(ended, 'confirmed', 'a payment that was accepted');
  for (const { ended } of those('cancel', (answered) => answered === 200))
    assert.equal(ended, 'cancelled', 'a cancellation that was accepted');
}

test('every client connection to Postgres is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await burstWith(async () => {
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
  await burstWith(async () => {
    const redis = new Redis(stack.redisUrl);
    const killed = await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    assert.ok(Number(killed) > 0, 'there were connections to close');
    redis.disconnect();
  });
});

test('every client connection to RabbitMQ is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await burstWith(async () => {
    const rabbit = managementApi(stack.rabbitManagementUrl);
    const connections = (await rabbit('GET', 'connections')) as { name: string }[];
    assert.ok(connections.length > 0, 'there were connections to close');
    for (const { name } of connections) await ifThere(rabbit('DELETE', `connections/${encodeURIComponent(name)}`));
  });
});
