// Kills and cuts in the middle of a queued crowd, on the whole system as processes: no accepted order is lost.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { ServiceName } from '../../infra/address-book/address-book.ts';
import { openStores } from '../../infra/audit/stores.ts';
import { createGenerator } from '../../infra/crowd/crowd.ts';
import { LOCAL } from '../../infra/native/leftovers.ts';
import { ifThere, managementApi } from '../../infra/native/namespace.ts';
import { type Stack, startStack } from '../../infra/native/stack.ts';
import { until } from '../../infra/until.ts';
import { openSale } from '../demo/demo.ts';
import { run } from '../demo/run.ts';
import { settings } from '../demo/settings.ts';

const CROWD = { units: 150, buyers: 300, crowdSeconds: 2 };
const BANK = { ...settings.bank, chargesPerSecond: 150 };
const KILLED_AT_YES = 40;

let stack: Stack;

before(async () => {
  stack = await startStack({
    dir: join(LOCAL, `kill-${process.pid}`),
    settings: {
      bank: { CHARGES_PER_SECOND: String(BANK.chargesPerSecond) },
      gateway: { UNSENT_DUE_MS: '4000', SENT_DUE_MS: '4000', CONFIRM_TIMEOUT_MS: '2000' },
      orders: { CHARGE_PATIENCE_MS: '3000', RESUME_AFTER_MS: '6000' },
    },
  });
});

after(() => stack?.stop());

/** A crowd in the middle of which `kill` is called, as soon as enough orders are accepted. */
async function crowdWith(kill: () => Promise<void>): Promise<void> {
  await using ended = new AsyncDisposableStack();
  const generator = ended.adopt(createGenerator(), async ({ stop }) => void (await stop()));
  const stores = ended.adopt(openStores(stack), ({ close }) => close());
  const environment = { ...stack, stores, generator, bank: BANK, finalWithinSeconds: 60 };
  const saleId = await openSale(environment, 'queued', CROWD.units);
  let killed: Promise<void> | undefined;
  const { figures, untrueYes, audits } = await run(environment, saleId, CROWD, ({ yes, refused, other }) => {
    if (yes >= KILLED_AT_YES && yes + refused + other < CROWD.buyers) killed ??= kill();
  });
  assert.ok(killed, 'the kill came while the crowd was there');
  await killed;
  assert.ok(figures.yes >= KILLED_AT_YES);
  assert.equal(untrueYes, 0, 'nothing declines here, so every 202 became final and was confirmed');
  assert.ok(audits.atRest.ok, JSON.stringify(audits.atRest.checks.filter(({ ok }) => !ok)));
}

for (const name of ['gateway', 'orders', 'inventory', 'payment', 'bank'] satisfies ServiceName[]) {
  test(`kill -9 ${name} during the queued crowd: it is restarted, every 202 becomes final, the audit holds`, async () => {
    const service = stack.services[name];
    const pid = service.pid();
    assert.ok(pid);
    await crowdWith(async () => {
      process.kill(pid, 'SIGKILL');
    });
    await until(`${name} is running again`, () => service.pid() !== undefined && service.pid() !== pid);
    await until(`${name} is ready again`, async () => (await fetch(`${stack.ops[name]}/readyz`)).ok);
  });
}

test('every client connection to Postgres is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await crowdWith(async () => {
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
  await crowdWith(async () => {
    const redis = new Redis(stack.redisUrl);
    const killed = await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    assert.ok(Number(killed) > 0, 'there were connections to close');
    redis.disconnect();
  });
});

test('every client connection to RabbitMQ is closed during the queued crowd: every 202 becomes final, the audit holds', async () => {
  await crowdWith(async () => {
    const rabbit = managementApi(stack.rabbitManagementUrl);
    const connections = (await rabbit('GET', 'connections')) as { name: string }[];
    assert.ok(connections.length > 0, 'there were connections to close');
    for (const { name } of connections) await ifThere(rabbit('DELETE', `connections/${encodeURIComponent(name)}`));
  });
});
