// The document at /openapi.json against the live port: every route, every status, every kind of problem, nothing besides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderStatus, Refund } from '@flashsale/contracts/orders';
import { status } from '@flashsale/rpc/client';
import { RpcError } from '@flashsale/rpc/server';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { v7 } from 'uuid';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';

interface Documented {
  security?: object[];
  requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { headers?: object; content?: Record<string, { schema: Schema }> }>;
}
type Schema = { allOf?: { properties?: { type?: { enum: string[] } } }[] };

const shop = await openShop();
const impatient = await shop.start.gateway({ CLICKS_PER_BUYER: '1', MAX_LISTENERS: '1', DIRECT_MAX_IN_FLIGHT: '1' });
const { createSale, tokenFor, proxies, holdCharges } = shop;
const document = (await (await shop.request('/openapi.json')).json()) as {
  openapi: string;
  paths: Record<string, Record<string, Documented>>;
  components: object;
};
const ajv = addFormats.default(new Ajv2020({ strict: false }));
ajv.addSchema(document, 'document');

const admin = tokenFor('admin', { admin: true });
const buyer = () => tokenFor(v7());
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
const UNAVAILABLE = async () => {
  throw new RpcError(status.DEADLINE_EXCEEDED, 'not now');
};

const queued = await createSale({ mode: 'queued', stock: 1_000 });
const direct = await createSale({ mode: 'direct', stock: 1_000 });
const early = await createSale({ mode: 'queued', stock: 1, opensAt: future, closesAt: '2999-01-01T00:00:00Z' });
const over = await createSale({ mode: 'queued', stock: 1, closesAt: past, opensAt: '2000-01-01T00:00:00Z' });
const alice = tokenFor('alice');
const { orderId: alices = '' } = await shop.buy(queued, 'alice');
await shop.final(alices, 'alice');
const gone = await createSale({ mode: 'queued', stock: 1 });
await shop.buy(gone, 'alice');
const tooBig = 'x'.repeat(5_000);

interface Ask {
  token?: string;
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
  at?: string;
}
function ask(method: string, path: string, { token, body, type, headers, at }: Ask = {}): Promise<Response> {
  const content = body !== undefined && { 'content-type': type ?? 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init = { method, headers: { ...content, ...headers }, ...(body !== undefined && { body: text }) };
  return shop.request(path, init, token, at);
}

const click = (saleId: string, asked: Ask = {}) =>
  ask('POST', `/v1/sales/${saleId}/orders`, { token: buyer(), ...asked });
const make = (asked: Ask) => ask('POST', '/v1/sales', { token: admin, body: SALE, ...asked });
const patch = (saleId: string, asked: Ask) => ask('PATCH', `/v1/sales/${saleId}`, { token: admin, ...asked });

/** While `script` answers in that neighbour's place. */
async function during(
  proxy: keyof typeof proxies,
  method: string,
  script: () => Promise<unknown>,
  asked: () => Promise<Response>,
) {
  proxies[proxy].on(method, script);
  try {
    return await asked();
  } finally {
    proxies[proxy].on(method);
  }
}

/** A direct order that ends as orders never would at once: what is read here is how it is told. */
const placed = (outcome: { reason: string }) => async () => {
  const ids = { orderId: v7(), saleId: direct, buyerId: 'x', quantity: 1, epoch: 1 };
  const result = { found: true, status: OrderStatus.REJECTED, version: 2, final: true, decidedAtMs: Date.now() };
  const money = { amount: undefined, refund: Refund.NONE, payRequested: false, deadlineMs: Date.now() };
  return { order: { ...ids, ...result, ...money, ...outcome } };
};

/** A click that stays at work on the direct path for as long as another one is asked for. */
async function besideOneAtWork(asked: () => Promise<Response>) {
  const release = holdCharges();
  const first = click(direct, { at: impatient.url });
  const response = await until('there is no room beside it', async () => {
    const answer = await asked();
    return answer.status === 503 && answer;
  });
  release();
  await first;
  return response;
}

/** A stream that is open for as long as another one is asked for. */
async function besideOneListening(asked: () => Promise<Response>) {
  const release = holdCharges();
  const { orderId = '' } = await shop.buy(queued, 'listener');
  const path = `/v1/orders/${orderId}/events`;
  const open = await ask('GET', path, { token: tokenFor('listener'), at: impatient.url });
  const response = await asked();
  release();
  await open.text();
  return response;
}

const holds = {
  queued: await createSale({ mode: 'queued', stock: 1_000, checkout: 'hold', holdSeconds: 600 }),
  direct: await createSale({ mode: 'direct', stock: 1_000, checkout: 'hold', holdSeconds: 600 }),
};

/** A hold of a new buyer that waits for its payment. */
async function aHold(mode: 'queued' | 'direct' = 'direct') {
  const name = v7();
  const { orderId = '' } = await shop.buy(holds[mode], name);
  await shop.reaches(orderId, name, 'reserved');
  return { orderId, token: tokenFor(name), name };
}

const pay = (orderId: string, asked: Ask) => ask('POST', `/v1/orders/${orderId}/payment`, asked);
const cancel = (orderId: string, asked: Ask) => ask('DELETE', `/v1/orders/${orderId}`, asked);
const adminCancel = (orderId: string, asked: Ask = {}) =>
  ask('POST', `/v1/orders/${orderId}/cancel`, { token: admin, ...asked });

async function aPaidHold() {
  const hold = await aHold();
  await pay(hold.orderId, hold);
  await shop.reaches(hold.orderId, hold.name, 'confirmed');
  return hold;
}

async function aCancelledHold() {
  const hold = await aHold();
  await cancel(hold.orderId, hold);
  return hold;
}

/** Once its payment is requested and not answered. */
async function whilePaying(asked: (hold: { orderId: string; token: string }) => Promise<Response>) {
  const release = holdCharges();
  const hold = await aHold('queued');
  await pay(hold.orderId, hold);
  const response = await asked(hold);
  release();
  return response;
}

const isRateLimited = (asked: (again: Ask) => Promise<Response>) => {
  const again = { token: buyer(), at: impatient.url };
  return until('it is too often', async () => {
    const response = await asked(again);
    return response.status === 429 && response;
  });
};

/** A gateway that reaches no orders service. */
async function alone(asked: (at: string) => Promise<Response>) {
  const gateway = await shop.start.gateway({ ORDERS_ADDRESS: '127.0.0.1:1' });
  const response = await asked(gateway.url);
  await gateway.stop();
  return response;
}

const LIVE: Record<string, Record<string, () => Promise<Response>>> = {
  'get /openapi.json': { 200: () => ask('GET', '/openapi.json') },
  'get /v1/sales': { 200: () => ask('GET', '/v1/sales') },
  'post /v1/sales': {
    201: () => make({}),
    'bad-request': () => make({ body: {} }),
    unauthenticated: () => make({ token: '' }),
    forbidden: () => make({ token: alice }),
    'too-large': () => make({ body: { ...SALE, title: tooBig } }),
    'unsupported-media-type': () => make({ type: 'text/plain' }),
    'outcome-unknown': () => during('gatewayInventory', 'createSale', UNAVAILABLE, () => make({})),
  },
  'get /v1/sales/{saleId}': {
    'bad-request': () => ask('GET', '/v1/sales/%zz'),
    200: () => ask('GET', `/v1/sales/${queued}`),
    'not-found': () => ask('GET', `/v1/sales/${v7()}`),
    busy: () => during('gatewayInventory', 'getSale', UNAVAILABLE, () => ask('GET', `/v1/sales/${v7()}`)),
  },
  'patch /v1/sales/{saleId}': {
    200: () => patch(queued, { body: { closed: false } }),
    'bad-request': () => patch(queued, { body: { stock: 1 } }),
    unauthenticated: () => patch(queued, { body: { closed: true }, token: '' }),
    forbidden: () => patch(queued, { body: { closed: true }, token: alice }),
    'not-found': () => patch(v7(), { body: { closed: true } }),
    busy: () => during('gatewayInventory', 'getSale', UNAVAILABLE, () => patch(queued, { body: { closed: true } })),
    'changed-meanwhile': () => patch(queued, { body: { stock: 2_000, revision: 99 } }),
    'too-large': () => patch(queued, { body: { closed: tooBig } }),
    'unsupported-media-type': () => patch(queued, { body: { closed: true }, type: 'text/plain' }),
    'outcome-unknown': () =>
      during('gatewayInventory', 'updateSale', UNAVAILABLE, () => patch(queued, { body: { stock: 1_500 } })),
  },
  'post /v1/sales/{saleId}/orders': {
    201: () => click(direct),
    202: () => click(queued, { body: { quantity: 1 }, headers: { 'idempotency-key': 'k' } }),
    'bad-request': () => click(queued, { body: { quantity: 0 } }),
    unauthenticated: () => click(queued, { token: '' }),
    'payment-declined': () => during('orders', 'placeOrder', placed({ reason: 'declined' }), () => click(direct)),
    'not-open': () => click(early),
    closed: () => click(over),
    'not-found': () => click(v7()),
    'already-bought': () => click(queued, { token: alice }),
    limit: () => click(queued, { body: { quantity: 2 } }),
    'order-rejected': () => during('orders', 'placeOrder', placed({ reason: 'timed_out' }), () => click(direct)),
    'sold-out': () => click(gone),
    'too-large': () => click(queued, { body: { note: tooBig } }),
    'unsupported-media-type': () => click(queued, { body: '{}', type: 'text/plain' }),
    async 'key-reused'() {
      const saleId = await createSale({ mode: 'queued', stock: 9, perBuyerLimit: 2 });
      const same = { token: buyer(), headers: { 'idempotency-key': 'k' } };
      await click(saleId, { ...same, body: { quantity: 1 } });
      return click(saleId, { ...same, body: { quantity: 2 } });
    },
    'rate-limited': () => isRateLimited((again) => click(queued, again)),
    busy: () => besideOneAtWork(() => click(direct, { at: impatient.url })),
    'outcome-unknown': () => during('orders', 'placeOrder', UNAVAILABLE, () => click(direct)),
  },
  'get /v1/orders': {
    200: () => ask('GET', `/v1/orders?sale=${queued}`, { token: alice }),
    'bad-request': () => ask('GET', '/v1/orders?sale=x', { token: alice }),
    unauthenticated: () => ask('GET', `/v1/orders?sale=${queued}`),
    'not-found': () => ask('GET', `/v1/orders?sale=${queued}`, { token: buyer() }),
    busy: () =>
      during('gatewayInventory', 'getSale', UNAVAILABLE, () => ask('GET', `/v1/orders?sale=${v7()}`, { token: alice })),
  },
  'get /v1/orders/{orderId}': {
    'bad-request': () => ask('GET', '/v1/orders/%zz'),
    200: () => ask('GET', `/v1/orders/${alices}`, { token: alice }),
    unauthenticated: () => ask('GET', `/v1/orders/${alices}`),
    'not-found': () => ask('GET', `/v1/orders/${alices}`, { token: buyer() }),
    busy: () => during('orders', 'getOrders', UNAVAILABLE, () => ask('GET', `/v1/orders/${v7()}`, { token: alice })),
  },
  'delete /v1/orders/{orderId}': {
    'bad-request': () => cancel('%zz', {}),
    200: () => aHold().then((hold) => cancel(hold.orderId, hold)),
    unauthenticated: () => cancel(alices, {}),
    'not-found': () => cancel(alices, { token: buyer() }),
    busy: () => during('orders', 'getOrders', UNAVAILABLE, () => cancel(v7(), { token: alice })),
    'order-ended': () => cancel(alices, { token: alice }),
    'not-reserved': () => cancel(v7(), { token: alice }),
    'payment-under-way': () => whilePaying((hold) => cancel(hold.orderId, hold)),
    'rate-limited': () => isRateLimited((again) => cancel(v7(), again)),
    'outcome-unknown': () =>
      aHold().then((hold) => during('orders', 'cancelOrder', UNAVAILABLE, () => cancel(hold.orderId, hold))),
  },
  'post /v1/orders/{orderId}/payment': {
    'bad-request': () => pay('%zz', {}),
    201: () => aHold('direct').then((hold) => pay(hold.orderId, hold)),
    202: () => aHold('queued').then((hold) => pay(hold.orderId, hold)),
    unauthenticated: () => pay(alices, {}),
    'payment-declined': async () => {
      const hold = await aHold('direct');
      await shop.bank.change({ declineRate: 1 });
      const response = await pay(hold.orderId, hold);
      await shop.bank.change({ declineRate: 0 });
      return response;
    },
    'not-found': () => pay(alices, { token: buyer() }),
    busy: () => during('orders', 'getOrders', UNAVAILABLE, () => pay(v7(), { token: alice })),
    'order-ended': () => aCancelledHold().then((hold) => pay(hold.orderId, hold)),
    'not-reserved': () => pay(v7(), { token: alice }),
    'not-a-hold': () => pay(alices, { token: alice }),
    'rate-limited': () => isRateLimited((again) => pay(v7(), again)),
    'outcome-unknown': () =>
      aHold('direct').then((hold) => during('orders', 'payOrder', UNAVAILABLE, () => pay(hold.orderId, hold))),
  },
  'post /v1/orders/{orderId}/cancel': {
    'bad-request': () => adminCancel('%zz'),
    200: () => aPaidHold().then(({ orderId }) => adminCancel(orderId)),
    unauthenticated: () => adminCancel(alices, { token: '' }),
    forbidden: () => adminCancel(alices, { token: alice }),
    'not-found': () => adminCancel(v7()),
    busy: () => alone((at) => adminCancel(alices, { at })),
    'not-confirmed': () => aHold().then(({ orderId }) => adminCancel(orderId)),
    'outcome-unknown': () => during('orders', 'cancelOrder', UNAVAILABLE, () => adminCancel(alices)),
  },
  'get /v1/orders/{orderId}/events': {
    'bad-request': () => ask('GET', '/v1/orders/%zz/events'),
    200: () => ask('GET', `/v1/orders/${alices}/events`, { token: alice }),
    async 204() {
      const told = await (await ask('GET', `/v1/orders/${alices}/events`, { token: alice })).text();
      const lastId = /^id: (.*)$/m.exec(told)?.[1] ?? '';
      return ask('GET', `/v1/orders/${alices}/events`, { token: alice, headers: { 'last-event-id': lastId } });
    },
    unauthenticated: () => ask('GET', `/v1/orders/${alices}/events`),
    'not-found': () => ask('GET', `/v1/orders/${alices}/events`, { token: buyer() }),
    busy: () =>
      besideOneListening(() => ask('GET', `/v1/orders/${alices}/events`, { token: alice, at: impatient.url })),
  },
};

test('the document is OpenAPI 3.1', async () => {
  assert.match(document.openapi, /^3\.1\./);
  const result = await new Validator().validate(structuredClone(document));
  assert.equal(result.valid, true, JSON.stringify(result.errors));
});

const kindsOf = (schema: Schema) => schema.allOf?.flatMap(({ properties }) => properties?.type?.enum ?? []) ?? [];
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, documented]) =>
    'responses' in documented ? [{ route: `${method} ${path}`, path, method, documented }] : [],
  ),
);

test('every route that is documented is walked here, and no other', () => {
  assert.deepEqual(operations.map(({ route }) => route).sort(), Object.keys(LIVE).sort());
});

for (const { route, path, method, documented } of operations) {
  test(`${route}: every answer and every problem that is documented can be had, and no other is`, () => {
    const kinds = Object.entries(documented.responses).flatMap(([code, { content }]) => {
      const problem = content?.['application/problem+json'];
      return problem ? kindsOf(problem.schema).map((type) => type.replace('/problems/', '')) : [code];
    });
    assert.deepEqual(kinds.sort(), Object.keys(LIVE[route] ?? {}).sort());
  });

  for (const [wanted, live] of Object.entries(LIVE[route] ?? {})) {
    test(`${route}: ${wanted}, as documented`, async () => {
      const response = await live();
      const text = await response.text();
      const answer = documented.responses[response.status];
      assert.ok(answer, `${response.status} is not documented: ${text}`);
      const type = response.headers.get('content-type')?.split(';')[0];
      if (/^\d/.test(wanted)) assert.equal(`${response.status}`, wanted, text);
      else assert.equal((JSON.parse(text) as { type: string }).type, `/problems/${wanted}`, text);
      assert.deepEqual(Object.keys(answer.content ?? {}), type ? [type] : []);
      const [may, are] = [
        Object.keys(answer.headers ?? {}).map((name) => name.toLowerCase()),
        [...response.headers.keys()],
      ];
      for (const name of ['location', 'www-authenticate', 'retry-after', 'preference-applied'])
        if (are.includes(name)) assert.ok(may.includes(name), `${name} is not documented`);
      if (may.includes('location') && !['limit', 'already-bought'].includes(wanted))
        assert.ok(are.includes('location'), 'location is missing');
      if (!type?.endsWith('json') || path === '/openapi.json') return;
      const escaped = [
        path.replaceAll('/', '~1'),
        method,
        'responses',
        response.status,
        'content',
        type.replace('/', '~1'),
      ];
      const validate = ajv.compile({ $ref: `document#/paths/${escaped.map(encodeURIComponent).join('/')}/schema` });
      assert.ok(validate(JSON.parse(text)), `${text}: ${ajv.errorsText(validate.errors)}`);
    });
  }

  test(`${route}: it asks for a token where it says so, and says so where it asks`, async () => {
    const anywhere = path.replace(/{\w+}/g, queued);
    const response = await ask(method.toUpperCase(), anywhere, method === 'get' ? {} : { body: {} });
    assert.equal(response.status === 401, documented.security !== undefined, `${response.status}`);
    await response.body?.cancel();
  });
}

for (const [path, methods] of Object.entries(document.paths)) {
  test(`${path}: a method that is not documented is 405, and says which are`, async () => {
    const offered = Object.keys(methods).filter((method) => ['get', 'post', 'patch', 'delete'].includes(method));
    for (const method of ['get', 'post', 'patch', 'put', 'delete', 'options'].filter(
      (method) => !offered.includes(method),
    )) {
      const response = await ask(method.toUpperCase(), path.replace(/{\w+}/g, queued), { token: admin });
      assert.equal(response.status, 405, method);
      const allowed = (response.headers.get('allow') ?? '').toLowerCase().split(', ');
      assert.deepEqual(
        allowed.filter((method) => method !== 'head'),
        offered,
      );
    }
  });
}

test('what is sent in these tests is what the document says may be sent', () => {
  const validate = (name: string) => ajv.compile({ $ref: `document#/components/schemas/${name}` });
  assert.ok(validate('SaleRequest')(SALE));
  assert.ok(!validate('SaleRequest')({ ...SALE, id: 'x' }));
  assert.ok(validate('SaleChange')({ stock: 5 }) && !validate('SaleChange')({ mode: 'direct' }));
  assert.ok(validate('OrderRequest')({}) && !validate('OrderRequest')({ quantity: 0 }));
});
