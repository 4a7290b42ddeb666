// The document at /openapi.json as a whole, and against the live port: sales, and buying in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderStatus, Refund } from '@flashsale/contracts/orders';
import { Validator } from '@seriousme/openapi-schema-validator';
import { v7 } from 'uuid';
import { until } from '../../../infra/until.ts';
import {
  admin,
  buyer,
  direct,
  document,
  errorsOf,
  type Live,
  limited,
  queued,
  type Sent,
  scripted,
  send,
  shop,
  tooOften,
  UNAVAILABLE,
  walk,
} from './openapi.ts';

const past = new Date(Date.now() - 60_000).toISOString();
const future = new Date(Date.now() + 3_600_000).toISOString();
const SALE = {
  sku: 'sku-1',
  title: 'Trainers',
  price: { amountMinor: 4_999, currency: 'EUR' },
  stock: 3,
  opensAt: past,
  closesAt: future,
  mode: 'queued',
};
const { createSale, tokenFor } = shop;
const early = await createSale({ mode: 'queued', stock: 1, opensAt: future, closesAt: '2999-01-01T00:00:00Z' });
const over = await createSale({ mode: 'queued', stock: 1, closesAt: past, opensAt: '2000-01-01T00:00:00Z' });
const gone = await createSale({ mode: 'queued', stock: 1 });
const alice = tokenFor('alice');
for (const saleId of [queued, gone]) await shop.buy(saleId, 'alice');
const tooBig = 'x'.repeat(5_000);

const click = (saleId: string, sent: Sent = {}) =>
  send('POST', `/v1/sales/${saleId}/orders`, { token: buyer(), ...sent });
const create = (sent: Sent) => send('POST', '/v1/sales', { token: admin, body: SALE, ...sent });
const patch = (saleId: string, sent: Sent) => send('PATCH', `/v1/sales/${saleId}`, { token: admin, ...sent });

/** A direct order that ends as orders never would at once: only its response matters here. */
const placed = (outcome: { reason: string }) => async () => {
  const ids = { orderId: v7(), saleId: direct, buyerId: 'x', quantity: 1, epoch: 1 };
  const result = { found: true, status: OrderStatus.REJECTED, version: 2, final: true, decidedAtMs: Date.now() };
  const money = { amount: undefined, refund: Refund.NONE, payRequested: false, deadlineMs: Date.now() };
  return { order: { ...ids, ...result, ...money, ...outcome } };
};

/** While a click is held on the direct path. */
async function besideAnOrder(call: () => Promise<Response>) {
  const release = shop.holdCharges();
  const first = click(direct, { at: limited.url });
  const response = await until('there is no room beside it', async () => {
    const response = await call();
    return response.status === 503 && response;
  });
  release();
  await first;
  return response;
}

const OPERATIONS: Live = {
  'get /openapi.json': { 200: () => send('GET', '/openapi.json') },
  'get /v1/sales': { 200: () => send('GET', '/v1/sales') },
  'post /v1/sales': {
    201: () => create({}),
    'bad-request': () => create({ body: {} }),
    unauthenticated: () => create({ token: '' }),
    forbidden: () => create({ token: alice }),
    'too-large': () => create({ body: { ...SALE, title: tooBig } }),
    'unsupported-media-type': () => create({ type: 'text/plain' }),
    'outcome-unknown': () => scripted('gatewayInventory', 'createSale', UNAVAILABLE, () => create({})),
  },
  'get /v1/sales/{saleId}': {
    'bad-request': () => send('GET', '/v1/sales/%zz'),
    200: () => send('GET', `/v1/sales/${queued}`),
    'not-found': () => send('GET', `/v1/sales/${v7()}`),
    busy: () => scripted('gatewayInventory', 'getSale', UNAVAILABLE, () => send('GET', `/v1/sales/${v7()}`)),
  },
  'patch /v1/sales/{saleId}': {
    200: () => patch(queued, { body: { closed: false } }),
    'bad-request': () => patch(queued, { body: { stock: 1 } }),
    unauthenticated: () => patch(queued, { body: { closed: true }, token: '' }),
    forbidden: () => patch(queued, { body: { closed: true }, token: alice }),
    'not-found': () => patch(v7(), { body: { closed: true } }),
    busy: () => scripted('gatewayInventory', 'getSale', UNAVAILABLE, () => patch(queued, { body: { closed: true } })),
    'changed-meanwhile': () => patch(queued, { body: { stock: 2_000, revision: 99 } }),
    'too-large': () => patch(queued, { body: { closed: tooBig } }),
    'unsupported-media-type': () => patch(queued, { body: { closed: true }, type: 'text/plain' }),
    'outcome-unknown': () =>
      scripted('gatewayInventory', 'updateSale', UNAVAILABLE, () => patch(queued, { body: { stock: 1_500 } })),
  },
  'post /v1/sales/{saleId}/orders': {
    201: () => click(direct),
    202: () => click(queued, { body: { quantity: 1 }, headers: { 'idempotency-key': 'k' } }),
    'bad-request': () => click(queued, { body: { quantity: 0 } }),
    unauthenticated: () => click(queued, { token: '' }),
    'payment-declined': () => scripted('orders', 'placeOrder', placed({ reason: 'declined' }), () => click(direct)),
    'not-open': () => click(early),
    closed: () => click(over),
    'not-found': () => click(v7()),
    'already-bought': () => click(queued, { token: alice }),
    limit: () => click(queued, { body: { quantity: 2 } }),
    'order-rejected': () => scripted('orders', 'placeOrder', placed({ reason: 'timed_out' }), () => click(direct)),
    'sold-out': () => click(gone),
    'too-large': () => click(queued, { body: { note: tooBig } }),
    'unsupported-media-type': () => click(queued, { body: '{}', type: 'text/plain' }),
    async 'key-reused'() {
      const saleId = await createSale({ mode: 'queued', stock: 9, perBuyerLimit: 2 });
      const same = { token: buyer(), headers: { 'idempotency-key': 'k' } };
      await click(saleId, { ...same, body: { quantity: 1 } });
      return click(saleId, { ...same, body: { quantity: 2 } });
    },
    'rate-limited': () => tooOften((again) => click(queued, again)),
    busy: () => besideAnOrder(() => click(direct, { at: limited.url })),
    'outcome-unknown': () => scripted('orders', 'placeOrder', UNAVAILABLE, () => click(direct)),
  },
};

walk(OPERATIONS, (path) => !path.startsWith('/v1/orders'));

test('the document is OpenAPI 3.1', async () => {
  assert.match(document.openapi, /^3\.1\./);
  const result = await new Validator().validate(structuredClone(document));
  assert.equal(result.valid, true, JSON.stringify(result.errors));
});

for (const [path, methods] of Object.entries(document.paths)) {
  test(`${path}: a method that is not documented is 405, and lists those that are`, async () => {
    const offered = Object.keys(methods);
    for (const method of ['get', 'post', 'patch', 'put', 'delete', 'options']) {
      if (offered.includes(method)) continue;
      const response = await send(method.toUpperCase(), path.replace(/{\w+}/g, queued), { token: admin });
      assert.equal(response.status, 405, method);
      assert.equal((response.headers.get('allow') ?? '').toLowerCase().replace('get, head', 'get'), offered.join(', '));
    }
  });
}

test('the document accepts the bodies that these tests send, and no others', () => {
  const isValid = (name: string, body: object) => !errorsOf(body, 'components', 'schemas', name);
  assert.ok(isValid('SaleRequest', SALE));
  assert.ok(!isValid('SaleRequest', { ...SALE, id: 'x' }));
  assert.ok(isValid('SaleChange', { stock: 5 }) && !isValid('SaleChange', { mode: 'direct' }));
  assert.ok(isValid('OrderRequest', {}) && !isValid('OrderRequest', { quantity: 0 }));
});
