// The metrics as an operator reads them: what docs/metrics.md lists is there from the start, and one order moves it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../native/leftovers.ts';
import { until } from '../until.ts';
import { seriesValue } from './metrics.ts';
import { startService } from './services.ts';
import { openShop } from './shop.ts';

const shop = await openShop();
const { orders, gateway, inventory } = shop.services;
const storefront = await startService.storefront({ GATEWAY_URL: gateway.url });
shop.closed({ close: storefront.stop });
const processes = [...Object.values(shop.services), storefront];

const metricsOf = async ({ ops }: { ops: number }) => (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();

const value = (service: 'orders' | 'gateway' | 'inventory', name: string, labels: string) =>
  seriesValue({ metrics: () => metricsOf(shop.services[service]) }, `${name}{${labels}}`);

/** The names in the first column of the page's tables. */
const listed = () =>
  [...readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name as string);

test('each metric of docs/metrics.md has a series on the ops port of a service that has just started', async () => {
  const names = listed();
  const exposed = (await Promise.all(processes.map(metricsOf))).join('\n');
  assert.ok(names.length > 10);
  const missing = names.filter((name) => !new RegExp(`^${name}(_count)?\\{`, 'm').test(exposed));
  assert.deepEqual(missing, []);
});

test('each metric that a service exposes is listed in docs/metrics.md, but those of the client library', async () => {
  const exposed = (await Promise.all(processes.map(metricsOf))).join('\n');
  const names = [...exposed.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name as string);
  const own = [...new Set(names)].filter((name) => !/^(process|nodejs)_/.test(name));
  const known = listed();
  assert.deepEqual(
    own.filter((name) => !known.includes(name)),
    [],
  );
});

test('a queue that only one gateway has counts under one name', async () => {
  const text = await metricsOf(gateway);
  assert.match(text, /^messaging_consumed_total\{queue="gateway\.push\.\*",verdict="done"/m);
  assert.doesNotMatch(text, /gateway\.push\.[0-9a-f]{8}-/);
});

test('one queued order is published, waits in each queue, and is measured at caller and server', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  const published = () =>
    value('gateway', 'messaging_published_total', 'connection="gateway: orders",result="confirmed"');
  assert.equal(await published(), 0);
  await shop.buy(saleId, 'alice');
  assert.equal(await published(), 1);
  const done = (service: 'orders' | 'gateway', queue: string) =>
    value(service, 'messaging_consumed_total', `queue="${queue}",verdict="done"`);
  const waited = (service: 'orders' | 'gateway', queue: string) =>
    value(service, 'messaging_wait_seconds_count', `queue="${queue}"`);
  for (const [service, queue] of [
    ['orders', 'orders.placed'],
    ['orders', 'payments.due'],
    ['gateway', 'gateway.results'],
    ['gateway', 'gateway.push.*'],
  ] as const) {
    await until(`${queue} is consumed`, async () => Number(await done(service, queue)) > 0);
    assert.ok(Number(await waited(service, queue)) > 0, `${queue} was waited in`);
  }
  const called = 'callee="InventoryService",method="reserve",code="OK"';
  assert.ok(Number(await value('orders', 'rpc_client_call_seconds_count', called)) > 0);
  assert.ok(Number(await value('inventory', 'rpc_server_call_seconds_count', 'method="reserve",code="OK"')) > 0);
  assert.ok(Number(await value('inventory', 'db_transaction_seconds_count', 'result="committed"')) > 0);
});

test('each background job has run, and the pools are named', async () => {
  for (const [service, job] of [
    ['gateway', 'sales'],
    ['gateway', 'sweep'],
    ['orders', 'time-out'],
    ['orders', 'relay of orders'],
  ] as const)
    await until(`${job} has run`, async () =>
      Number(await value(service, 'job_last_success_timestamp_seconds', `job="${job}"`)),
    );
  for (const [service, pool] of [
    [orders, 'main'],
    [inventory, 'main'],
    [inventory, 'reopen'],
  ] as const)
    assert.match(await metricsOf(service), new RegExp(`^db_pool_waiting\\{pool="${pool}",`, 'm'));
});
