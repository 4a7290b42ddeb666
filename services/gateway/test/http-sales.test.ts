// Sales at the public port: who may create them, how a bad one is refused, and when a sale takes no orders.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import { call, connectTo } from '@flashsale/rpc/client';
import { Registry } from '@prometheus-io/client';
import { v7 } from 'uuid';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertProblem } from './problem.ts';

const shop = await openShop();
const { request, tokenFor, createSale, buy, evidence, services } = shop;
const admin = tokenFor('admin', { admin: true });

const inTime = (ms: number) => new Date(Date.now() + ms).toISOString();
const SALE = {
  sku: 'sku-1',
  title: 'Trainers',
  price: { amountMinor: 4_999, currency: 'EUR' },
  stock: 3,
  opensAt: inTime(-60_000),
  closesAt: inTime(3_600_000),
  mode: 'queued',
};
const post = (body: unknown, token?: string, type = 'application/json') =>
  request('/v1/sales', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': type } }, token);
const read = async (saleId: string) =>
  (await request(`/v1/sales/${saleId}`)).json() as Promise<Record<string, unknown>>;

test('only an admin creates a sale: 401 without a token, 403 with a buyer’s, and none is created', async () => {
  await evidence.atRest();
  const before = await evidence.fingerprint();
  await assertProblem(await post(SALE), 401, 'unauthenticated');
  await assertProblem(await post(SALE, tokenFor('alice')), 403, 'forbidden');
  await assertProblem(await post({ ...SALE, role: 'admin' }, tokenFor('alice')), 403, 'forbidden');
  assert.deepEqual(await evidence.fingerprint(), before);
});

test('a sale is created, open at once, listed and read, and counts down', async () => {
  const made = await post(SALE, admin);
  assert.equal(made.status, 201);
  const sale = (await made.json()) as { id: string };
  assert.equal(made.headers.get('location'), `/v1/sales/${sale.id}`);
  const { mode: _, ...given } = SALE;
  const defaults = { perBuyerLimit: 1, checkout: 'instant', holdSeconds: 0, decideWithinSeconds: 600, closed: false };
  const expected = { ...given, ...defaults, id: sale.id, mode: 'queued', revision: 1, remaining: 3 };
  assert.deepEqual(sale, expected);
  assert.deepEqual(await read(sale.id), expected);
  const { sales } = (await (await request('/v1/sales')).json()) as { sales: { id: string }[] };
  assert.deepEqual(
    sales.find(({ id }) => id === sale.id),
    expected,
  );
  assert.equal((await buy(sale.id, 'alice')).httpStatus, 202);
  assert.equal((await read(sale.id)).remaining, 2);
});

test('an unknown sale is 404', async () => {
  for (const id of [v7(), 'x']) await assertProblem(await request(`/v1/sales/${id}`), 404, 'not-found');
});

// The public port and inventory each hold these limits; here they meet.
test('up to its limits a sale is created, so inventory takes what this port takes; one beyond is 400', async () => {
  const price = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });
  const most = {
    ...SALE,
    ...{
      sku: 'x'.repeat(64),
      title: 'é'.repeat(200),
      opensAt: '1970-01-01T00:00:00Z',
      closesAt: '9999-12-31T00:00:00Z',
    },
    ...{ price: price(900_000_000), stock: 10_000_000, perBuyerLimit: 1_000, decideWithinSeconds: 86_400 },
  };
  const least = { ...SALE, sku: 'x', title: 'é', price: price(1), stock: 1, perBuyerLimit: 1, decideWithinSeconds: 1 };
  const holds = { checkout: 'hold', holdSeconds: 86_400 };
  for (const sale of [
    most,
    least,
    { ...most, ...holds },
    { ...least, ...holds, holdSeconds: 1 },
    { ...most, price: price(1_000_000_000), stock: 9_000_000 },
  ])
    assert.equal((await post(sale, admin)).status, 201);

  const beyond = {
    ...{ sku: 'x'.repeat(65), title: 'é'.repeat(201), closesAt: '9999-12-31T00:00:01Z' },
    ...{ price: price(1_000_000_001), stock: 10_000_001, perBuyerLimit: 1_001, decideWithinSeconds: 86_401 },
  };
  for (const [field, value] of Object.entries(beyond))
    await assertProblem(await post({ ...least, [field]: value }, admin), 400, 'bad-request');
});

test('a bad sale is 400 and every field that is wrong is named, and none is created', async () => {
  await evidence.atRest();
  const before = await evidence.fingerprint();
  const bad: [object, string[]][] = [
    [{}, ['sku', 'title', 'price', 'stock', 'opensAt', 'closesAt', 'mode']],
    [{ ...SALE, sku: '', title: 7, stock: 0, mode: 'both' }, ['sku', 'title', 'stock', 'mode']],
    [
      { ...SALE, stock: 1.5, perBuyerLimit: -1, decideWithinSeconds: 0 },
      ['stock', 'perBuyerLimit', 'decideWithinSeconds'],
    ],
    [{ ...SALE, price: { amountMinor: 0, currency: 'euro' } }, ['price.amountMinor', 'price.currency']],
    [{ ...SALE, opensAt: 'noon', closesAt: '2026-13-01T00:00:00Z' }, ['opensAt', 'closesAt']],
    [{ ...SALE, closesAt: SALE.opensAt }, ['closesAt']],
    [{ ...SALE, opensAt: '1969-12-31T23:59:59Z' }, ['opensAt']],
    [{ ...SALE, closesAt: '9999-12-31T23:59:59-01:00' }, ['closesAt']],
    [{ ...SALE, title: 'a\u0000b', sku: 'a\nb' }, ['title', 'sku']],
    [{ ...SALE, title: 'half a \ud83d' }, ['title']],
    [{ ...SALE, checkout: 'later' }, ['checkout']],
    [{ ...SALE, checkout: 'hold' }, ['holdSeconds']],
    [{ ...SALE, checkout: 'hold', holdSeconds: 0 }, ['holdSeconds']],
    [{ ...SALE, checkout: 'hold', holdSeconds: 86_401 }, ['holdSeconds']],
    [{ ...SALE, checkout: 'instant', holdSeconds: 60 }, ['holdSeconds']],
    [{ ...SALE, id: v7() }, ['body']],
  ];
  for (const [body, fields] of bad) {
    const { errors } = await assertProblem(await post(body, admin), 400, 'bad-request');
    const named = (errors as { field: string }[]).map(({ field }) => field);
    assert.deepEqual([...new Set(named)].sort(), fields.sort());
  }
  await assertProblem(await post(SALE, admin, 'text/plain'), 415, 'unsupported-media-type');
  await assertProblem(await post({ ...SALE, title: 'x'.repeat(5 * 1024) }, admin), 413, 'too-large');
  assert.deepEqual(await evidence.fingerprint(), before);
});

test('before its window a sale responds 403 with the time it opens, and nothing is taken', async () => {
  const opensAt = inTime(600_000);
  const saleId = await createSale({ mode: 'queued', stock: 1, opensAt });
  const response = await request(`/v1/sales/${saleId}/orders`, { method: 'POST' }, tokenFor('early'));
  assert.equal((await assertProblem(response, 403, 'not-open')).opensAt, opensAt);
  assert.deepEqual(await evidence.tracesOf('early'), {});
});

test('after its window a sale responds 403, and nothing is taken', async () => {
  for (const mode of ['queued', 'direct'] as const) {
    const saleId = await createSale({ mode, stock: 1, opensAt: inTime(-60_000), closesAt: inTime(-1_000) });
    const response = await request(`/v1/sales/${saleId}/orders`, { method: 'POST' }, tokenFor('late'));
    await assertProblem(response, 403, 'closed');
  }
  assert.deepEqual(await evidence.tracesOf('late'), {});
});

test('a sale that was closed responds 403 before token and body are checked', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  const inventory = connectTo(InventoryServiceClient, services.inventory.address, {
    retries: 'idempotent',
    registry: new Registry(),
  });
  after(() => inventory.close());
  await call(inventory, inventory.updateSale, { saleId, addStock: 0, closed: true }, { deadlineMs: 5_000 });
  const blind = () =>
    request(`/v1/sales/${saleId}/orders`, { method: 'POST', body: '{', headers: { 'content-type': 'x/y' } });
  await until('the gateway knows that it is closed', async () => (await blind()).status === 403);
  await assertProblem(await blind(), 403, 'closed');
  assert.equal((await read(saleId)).closed, true);
});

test('a sale that is known to be sold out responds 410 before token and body are checked', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  await buy(saleId, 'alice');
  await assertProblem(
    await request(`/v1/sales/${saleId}/orders`, { method: 'POST' }, tokenFor('bob')),
    410,
    'sold-out',
  );
  const blind = () =>
    request(`/v1/sales/${saleId}/orders`, { method: 'POST', body: '{', headers: { 'content-type': 'x/y' } });
  await until('the gateway knows that it is sold out', async () => (await blind()).status === 410);
  await assertProblem(await blind(), 410, 'sold-out');
  assert.deepEqual(await evidence.tracesOf('bob'), {});
});

test('a sale whose creation has an unknown outcome is 504 with its location, and can be read once it is there', async () => {
  shop.proxies.gatewayInventory.on('createSale', async (_request, forward) => {
    await forward();
    throw new Error('the response is lost');
  });
  const response = await post(SALE, admin);
  shop.proxies.gatewayInventory.on('createSale');
  await assertProblem(response, 504, 'outcome-unknown');
  const { title } = (await (await request(response.headers.get('location') as string)).json()) as { title: string };
  assert.equal(title, SALE.title);
});

test('a neighbour that cannot be reached is 503: nothing happened, and it may be tried again', async (t) => {
  const nowhere = '127.0.0.1:1';
  const alone = await shop.start.gateway({ INVENTORY_ADDRESS: nowhere, ORDERS_ADDRESS: nowhere }, t);
  const saleId = await createSale({ mode: 'direct', stock: 1 });
  const calls: [string, string][] = [
    ['GET', `/v1/sales/${saleId}`],
    ['POST', `/v1/sales/${saleId}/orders`],
    ['GET', `/v1/orders/${v7()}`],
  ];
  for (const [method, path] of calls) {
    const response = await request(path, { method }, tokenFor('alone'), alone.url);
    assert.match(response.headers.get('retry-after') ?? '', /^[12]$/);
    await assertProblem(response, 503, 'busy');
  }
  assert.deepEqual(await evidence.tracesOf('alone'), {});
});

test('the ops port reports liveness, readiness and metrics; the public port has none of them', async () => {
  const ops = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${services.gateway.ops}${path}`);
    return [response.status, await response.text()] as const;
  };
  assert.deepEqual(await ops('/livez'), [200, 'alive\n']);
  assert.deepEqual(await ops('/readyz'), [200, 'ready\n']);
  assert.match((await ops('/metrics'))[1], /gateway_orders_total\{[^}]*mode="queued",outcome="queued"[^}]*\} [1-9]/);
  assert.equal((await ops('/v1/sales'))[0], 404);
  for (const path of ['/livez', '/readyz', '/metrics']) await assertProblem(await request(path), 404, 'not-found');
});

test('an id in capital letters is the same id, wherever it stands', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  assert.equal((await read(saleId.toUpperCase())).id, saleId);
  assert.equal((await buy(saleId.toUpperCase(), 'loud')).httpStatus, 202);
});

test('while inventory cannot reach its database, reading a sale that is not known yet is 503', async () => {
  shop.wires.inventoryPostgres.block(true);
  await assertProblem(await request(`/v1/sales/${v7()}`), 503, 'busy');
  shop.wires.inventoryPostgres.block(false);
});
