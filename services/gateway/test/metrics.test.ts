// The gateway's metrics, as its ops port shows them: what waits, what is under way, and how each click ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { PROBLEMS } from '../src/inbound/problems.ts';

const shop = await openShop({ gateway: { DIRECT_DEADLINE_MS: '20000' } });
const { services, createSale, buy, request, tokenFor, holdCharges } = shop;
const MODES = ['queued', 'direct'];

type Figures = Record<string, number>;

/** Every sample by its name and labels, without the label that all have. */
async function figures({ ops }: { ops: number } = services.gateway): Promise<Figures> {
  const text = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
  const samples = [...text.matchAll(/^(gateway_\w+){(.*)} (\S+)$/gm)].map(([, name, labels = '', value]) => {
    const own = labels.split(',').filter((label) => label !== 'service="gateway"');
    return [`${name}${own.length > 0 ? `{${own}}` : ''}`, Number(value)];
  });
  return Object.fromEntries(samples);
}

/** How much these figures have grown since then, once it is as much as expected. */
const grown = (before: Figures, expected: Figures, gateway?: { ops: number }) =>
  until('the metrics show it', async () => {
    const now = await figures(gateway);
    const names = Object.keys(expected);
    const differences = names.map((name) => [name, (now[name] ?? Number.NaN) - (before[name] ?? Number.NaN)]);
    assert.deepEqual(Object.fromEntries(differences), expected);
    return true;
  });

const click = (saleId: string, headers: Record<string, string> = {}, token?: string, base?: string) =>
  request(`/v1/sales/${saleId}/orders`, { method: 'POST', headers }, token, base);

test('from the start there is every series that an alert may need, at zero', async (t) => {
  const fresh = await figures(await shop.start.gateway({}, t));
  const expected = [
    ...MODES.flatMap((mode) => [
      ...['waiting_orders', 'waiting_oldest_seconds', 'tickets_left'].map((n) => `${n}{mode="${mode}"}`),
      ...['confirmed', 'queued', 'busy', 'sold-out', 'unknown'].map(
        (o) => `orders_total{mode="${mode}",outcome="${o}"}`,
      ),
      ...['busy', 'queue-too-long', 'closed'].map((r) => `refused_early_total{mode="${mode}",reason="${r}"}`),
    ]),
    ...Object.entries(PROBLEMS).map(([name, [status]]) => `problems_total{problem="${name}",status="${status}"}`),
    ...['missing', 'history', 'epoch'].map((reason) => `gates_rebuilt_total{reason="${reason}"}`),
    ...['sold_out', 'at_rest', 'operator'].map((reason) => `gates_shut_total{reason="${reason}"}`),
    ...[
      'order_seconds_count{mode="queued",outcome="queued"}',
      'order_seconds_count{mode="direct",outcome="confirmed"}',
    ],
    ...['result_lag_seconds_count', 'direct_in_flight', 'listeners', 'gate_rebuilds_failed_total'],
    ...['swept_total', 'damaged_records_total'],
  ];
  for (const name of expected) assert.equal(fresh[`gateway_${name}`], 0, name);
  assert.equal(fresh.gateway_direct_limit, 100);
  assert.ok('gateway_order_seconds_bucket{le="0.001",mode="queued",outcome="queued"}' in fresh);
});

test('queued orders wait, also when their sale is closed, and the age of the first grows until its result is applied', async () => {
  const before = await figures();
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  for (const buyer of ['alice', 'bob']) assert.equal((await buy(saleId, buyer)).httpStatus, 202);
  const waiting = { 'gateway_waiting_orders{mode="queued"}': 2, 'gateway_waiting_orders{mode="direct"}': 0 };
  await grown(before, { ...waiting, 'gateway_tickets_left{mode="queued"}': 3 });
  const admin = tokenFor('admin', { admin: true });
  const close = { method: 'PATCH', body: '{"closed":true}', headers: { 'content-type': 'application/json' } };
  assert.equal((await request(`/v1/sales/${saleId}`, close, admin)).status, 200);
  await grown(before, { ...waiting, 'gateway_tickets_left{mode="queued"}': 0 });

  const age = async () => (await figures())['gateway_waiting_oldest_seconds{mode="queued"}'] ?? 0;
  const first = await age();
  assert.ok(first > 0);
  await until('it is older', async () => (await age()) > first);
  release();
  await grown(before, {
    'gateway_waiting_orders{mode="queued"}': 0,
    'gateway_waiting_oldest_seconds{mode="queued"}': 0,
    'gateway_orders_total{mode="queued",outcome="queued"}': 2,
    'gateway_order_seconds_count{mode="queued",outcome="queued"}': 2,
    gateway_result_lag_seconds_count: 2,
  });
});

test('a direct order is in flight until it is confirmed', async () => {
  const before = await figures();
  const saleId = await createSale({ mode: 'direct', stock: 1 });
  const release = holdCharges();
  const bought = buy(saleId, 'carol');
  await grown(before, { gateway_direct_in_flight: 1, 'gateway_waiting_orders{mode="direct"}': 1 });
  release();
  assert.equal((await bought).httpStatus, 201);
  await grown(before, {
    ...{ gateway_direct_in_flight: 0, 'gateway_waiting_orders{mode="direct"}': 0 },
    'gateway_orders_total{mode="direct",outcome="confirmed"}': 1,
    'gateway_order_seconds_count{mode="direct",outcome="confirmed"}': 1,
    gateway_result_lag_seconds_count: 1,
  });
});

test('a hold that is reserved waits no longer, until its payment is requested, and has no lag before its result', async () => {
  const before = await figures();
  const saleId = await createSale({ mode: 'queued', stock: 1, checkout: 'hold', holdSeconds: 600 });
  const { orderId = '' } = await buy(saleId, 'dave');
  await shop.reaches(orderId, 'dave', 'reserved');
  const [waiting, results] = ['gateway_waiting_orders{mode="queued"}', 'gateway_result_lag_seconds_count'];
  await grown(before, { [waiting]: 0, [results]: 0, 'gateway_tickets_left{mode="queued"}': 0 });
  const release = holdCharges();
  assert.equal((await shop.pay(orderId, 'dave')).httpStatus, 202);
  await grown(before, { [waiting]: 1, [results]: 0 });
  release();
  await grown(before, { [waiting]: 0, [results]: 1 });
});

test('a refusal counts once: early, or as the outcome of a click; and each is a problem by its name', async () => {
  const before = await figures();
  const opensAt = new Date(Date.now() + 600_000).toISOString();
  const saleId = await createSale({ mode: 'queued', stock: 1, opensAt });
  assert.equal((await click(saleId)).status, 403);
  assert.equal((await click(saleId, { 'idempotency-key': 'k' })).status, 401);
  assert.equal((await click(saleId, { 'idempotency-key': 'k' }, tokenFor('erin'))).status, 403);
  await grown(before, {
    'gateway_refused_early_total{mode="queued",reason="not-open"}': 1,
    'gateway_orders_total{mode="queued",outcome="not-open"}': 1,
    'gateway_problems_total{problem="not-open",status="403"}': 2,
    'gateway_problems_total{problem="unauthenticated",status="401"}': 1,
  });
});

test('with as many direct calls in flight as there may be, the next click is refused early as busy', async (t) => {
  const narrow = await shop.start.gateway({ DIRECT_MAX_IN_FLIGHT: '1', DIRECT_DEADLINE_MS: '20000' }, t);
  const saleId = await createSale({ mode: 'direct', stock: 5 });
  const buyThere = async (buyer: string) => (await buy(saleId, buyer, undefined, narrow.url)).httpStatus;
  await until('this gateway sells it', async () => (await buyThere('eve')) === 201);
  const release = holdCharges();
  const bought = buyThere('fay');
  await until('it is in flight', async () => (await figures(narrow)).gateway_direct_in_flight === 1);
  const before = await figures(narrow);
  assert.equal(before.gateway_direct_limit, 1);
  assert.equal((await click(saleId, {}, undefined, narrow.url)).status, 503);
  const busy = { 'gateway_refused_early_total{mode="direct",reason="busy"}': 1 };
  await grown(before, { ...busy, 'gateway_problems_total{problem="busy",status="503"}': 1 }, narrow);
  release();
  assert.equal(await bought, 201);
});

test('an outcome that is unknown is visible as outcome and as 504', async () => {
  const before = await figures();
  const saleId = await createSale({ mode: 'direct', stock: 1 });
  shop.proxies.orders.on('placeOrder', async () => {
    throw new Error('the response is lost');
  });
  assert.equal((await buy(saleId, 'grace')).httpStatus, 504);
  shop.proxies.orders.on('placeOrder');
  await grown(before, {
    'gateway_orders_total{mode="direct",outcome="unknown"}': 1,
    'gateway_problems_total{problem="outcome-unknown",status="504"}': 1,
  });
});

test('open event streams and waits are listeners', async () => {
  const before = await figures();
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const { orderId = '' } = await buy(saleId, 'heidi');
  const gone = new AbortController();
  const stream = await request(`/v1/orders/${orderId}/events`, { signal: gone.signal }, tokenFor('heidi'));
  assert.equal(stream.status, 200);
  const waits = click(saleId, { prefer: 'wait=20' }, tokenFor('ivan'));
  await grown(before, { gateway_listeners: 2 });
  gone.abort();
  await grown(before, { gateway_listeners: 1 });
  release();
  assert.equal((await waits).status, 201);
  await grown(before, { gateway_listeners: 0 });
});

test('no label is an id or the name of a buyer', async () => {
  const labels = Object.keys(await figures()).flatMap((name) => [...name.matchAll(/(\w+)="(.*?)"/g)]);
  const values = new Set(
    labels.filter(([, label]) => label !== 'le' && label !== 'status').map(([, , value]) => value),
  );
  for (const value of values) assert.match(value ?? '', /^[a-z_-]+$/);
  for (const buyer of ['alice', 'carol', 'dave', 'erin']) assert.equal(values.has(buyer), false);
});
