// Bad input at the public port: the right 4xx as a problem, no stack trace, and nothing written anywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigner } from 'fast-jwt';
import { v4, v7 } from 'uuid';
import { openShop } from '../../../infra/testbed/shop.ts';
import { assertProblem } from './problem.ts';

const shop = await openShop();
const { request, tokenFor, evidence, secrets } = shop;
const queued = await shop.createSale({ mode: 'queued', stock: 5, perBuyerLimit: 2 });
const direct = await shop.createSale({ mode: 'direct', stock: 5 });
const bobs = (await shop.buy(queued, 'bob')).orderId as string;
await shop.final(bobs, 'bob');
await evidence.atRest();
const untouched = await evidence.fingerprint();

const JSON_TYPE = { 'content-type': 'application/json' };
const alice = tokenFor('alice');
const click = (saleId: string, init: RequestInit, token?: string) =>
  request(`/v1/sales/${saleId}/orders`, { method: 'POST', ...init }, token);
const withBody = (body: string, headers: Record<string, string> = JSON_TYPE) =>
  Promise.all([queued, direct].map((saleId) => click(saleId, { body, headers }, alice)));
const json = (value: unknown) => withBody(JSON.stringify(value));

async function assertAll(responses: Response[], status: number, kind: string): Promise<void> {
  for (const response of responses) await assertProblem(response, status, kind);
}

test('an unknown sale id, or one that is no id at all, is 404', async () => {
  for (const id of [v7(), v4(), '1', 'null', '%00', `${queued}x`])
    await assertProblem(await click(id, {}, alice), 404, 'not-found');
});

test('a body that is not JSON, or no object, is 400', async () => {
  for (const body of ['{', '{"quantity":', "{'quantity':1}", 'null', '7', '"2"', 'true', '\u0000'])
    await assertAll(await withBody(body), 400, 'bad-request');
  await assertAll(await json([]), 400, 'bad-request');
  await assertAll(await json([{ quantity: 1 }]), 400, 'bad-request');
});

test('a quantity of the wrong type, negative, zero, fractional or huge is 400 and names the field', async () => {
  for (const quantity of ['1', null, true, [], {}, [1], -1, 0, 0.5, 1.000001, 2 ** 31, 1e21, Number.MIN_SAFE_INTEGER]) {
    for (const response of await json({ quantity })) {
      const { errors } = await assertProblem(response, 400, 'bad-request');
      for (const { field } of errors as { field: string }[]) assert.equal(field, 'quantity', String(quantity));
      assert.ok((errors as object[]).length);
    }
  }
});

test('more than one buyer may have is 409 and names the limit', async () => {
  const { perBuyerLimit } = await assertProblem(
    await click(queued, { body: '{"quantity":3}', headers: JSON_TYPE }, alice),
    409,
    'limit',
  );
  assert.equal(perBuyerLimit, 2);
  await assertAll(await json({ quantity: 2 ** 31 - 1 }), 409, 'limit');
});

test('a field that is not in the schema is 400', async () => {
  for (const extra of [{ buyerId: 'bob' }, { orderId: bobs }, { price: 1 }, { admin: true }, { epoch: 1 }])
    await assertAll(await json({ quantity: 1, ...extra }), 400, 'bad-request');
  await assertAll(await withBody('{"quantity":1,"__proto__":{"admin":true}}'), 400, 'bad-request');
});

test('a body beyond 4 KiB is 413, whether its length is announced or not', async () => {
  await assertAll(await json({ quantity: 1, note: 'x'.repeat(5 * 1024) }), 413, 'too-large');
  const stream = new Blob(['x'.repeat(5 * 1024)]).stream();
  const chunked = { body: stream, headers: JSON_TYPE, duplex: 'half' } as RequestInit;
  await assertProblem(await click(queued, chunked, alice), 413, 'too-large');
});

test('a body of another type, charset or encoding is 415', async () => {
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'application/json; charset=latin9',
  ];
  for (const type of types) {
    await assertAll(await withBody('{"quantity":1}', { 'content-type': type }), 415, 'unsupported-media-type');
  }
  const encoded = { ...JSON_TYPE, 'content-encoding': 'compress' };
  await assertAll(await withBody('{"quantity":1}', encoded), 415, 'unsupported-media-type');
});

const sign = (payload: object, key = secrets.buyer, options: object = { algorithm: 'HS256' }) =>
  createSigner({ key, ...options })(payload);
const now = Math.floor(Date.now() / 1_000);
const good = { sub: 'alice', aud: 'flashsale-buyers', exp: now + 3_600 };
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const [head, payload, signature] = alice.split('.') as [string, string, string];

const FORGED: Record<string, string | undefined> = {
  'no token': undefined,
  'an empty token': '',
  'no token at all': 'alice',
  'alg none': `${base64({ alg: 'none', typ: 'JWT' })}.${base64(good)}.`,
  'alg none, with a signature': `${base64({ alg: 'none', typ: 'JWT' })}.${payload}.${signature}`,
  'another key': sign(good, 'another-secret-for-tests-0123456789-0123456789'),
  'another algorithm with the right key': sign(good, secrets.buyer, { algorithm: 'HS512' }),
  'the payload of another buyer': `${head}.${base64({ ...good, sub: 'bob', role: 'admin' })}.${signature}`,
  expired: sign({ ...good, iat: now - 7_200, exp: now - 3_600 }),
  'not valid yet': sign({ ...good, nbf: now + 3_600 }),
  'without an end': sign({ sub: 'alice', aud: 'flashsale-buyers' }),
  'another audience': sign({ ...good, aud: 'another-shop' }),
  "an admin's": tokenFor('alice', { admin: true }),
  'the audience of buyers, signed as for an admin': sign(good, secrets.admin),
  'the audience of admins, signed as for a buyer': sign({ ...good, aud: 'flashsale-admins' }),
  'no audience': sign({ sub: 'alice', exp: good.exp }),
  'no subject': sign({ aud: 'flashsale-buyers', exp: good.exp }),
  'an empty subject': sign({ ...good, sub: '' }),
  'a subject that is no string': sign({ ...good, sub: 7 }),
  'a subject that is too long': sign({ ...good, sub: 'a'.repeat(256) }),
  'a subject that no database can keep': sign({ ...good, sub: 'ali\u0000ce' }),
  'a subject with a line break': sign({ ...good, sub: 'ali\nce' }),
  'a subject that is no text': sign({ ...good, sub: 'ali\ud800ce' }),
};

for (const [what, token] of Object.entries(FORGED)) {
  test(`${what}: 401 wherever a buyer is needed`, async () => {
    const responses = [click(queued, {}, token), click(direct, {}, token), request(`/v1/orders/${bobs}`, {}, token)];
    for (const response of await Promise.all(responses)) {
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
      await assertProblem(response, 401, 'unauthenticated');
    }
  });
}

test('a token under another scheme is 401, and identity is never read from another header', async () => {
  const headers = { authorization: `Basic ${alice}`, 'x-user-id': 'bob', 'x-buyer-id': 'bob', cookie: 'sub=bob' };
  await assertProblem(await request(`/v1/orders/${bobs}`, { headers }), 401, 'unauthenticated');
});

test("another buyer's order is 404, like an unknown one and what is no id", async () => {
  const longAgo = v7({ msecs: Date.now() - 24 * 3_600_000 });
  const tomorrow = v7({ msecs: Date.now() + 24 * 3_600_000 });
  for (const id of [bobs, bobs.toUpperCase(), longAgo, tomorrow, v4(), 'x', '0', `${bobs}0`])
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/payment'],
    ])
      await assertProblem(
        await request(`/v1/orders/${id}${path}`, { method: method as string }, alice),
        404,
        'not-found',
      );
});

test('a sale or an epoch in the query that is none is 400', async () => {
  for (const query of ['sale=x', 'epoch=-1', 'epoch=1.5', 'epoch=x', `sale=${queued}&epoch=`, 'epoch=12345678901'])
    await assertProblem(await request(`/v1/orders/${bobs}?${query}`, {}, alice), 400, 'bad-request');
});

test('only an admin cancels a confirmed order: 401 without a token, 403 with a buyer’s, also with its own', async () => {
  const cancelling = (token?: string) => request(`/v1/orders/${bobs}/cancel`, { method: 'POST' }, token);
  await assertProblem(await cancelling(), 401, 'unauthenticated');
  await assertProblem(await cancelling(alice), 403, 'forbidden');
  await assertProblem(await cancelling(tokenFor('bob')), 403, 'forbidden');
});

test('neither secret signs for the other audience: the buyers’ secret makes no admin, whatever the token claims', async () => {
  const claims = { sub: 'mallory', exp: good.exp, role: 'admin' };
  const CROSSINGS: [number, string, string | string[]][] = [
    [401, secrets.buyer, 'flashsale-admins'],
    [401, secrets.admin, 'flashsale-buyers'],
    [401, secrets.buyer, 'flashsale'],
    [403, secrets.buyer, 'flashsale-buyers'],
    [403, secrets.buyer, ['flashsale-buyers', 'flashsale-admins']],
  ];
  const asAdmin = (path: string, method: string, token: string) =>
    request(path, { method, body: '{}', headers: JSON_TYPE }, token);
  for (const [status, key, aud] of CROSSINGS) {
    const token = sign({ ...claims, aud }, key);
    const responses = [
      asAdmin('/v1/sales', 'POST', token),
      asAdmin(`/v1/sales/${queued}`, 'PATCH', token),
      asAdmin(`/v1/orders/${bobs}/cancel`, 'POST', token),
    ];
    await assertAll(await Promise.all(responses), status, status === 401 ? 'unauthenticated' : 'forbidden');
  }
});

test('a method that is not offered is 405 and lists those that are, a path that is none is 404', async () => {
  const offered: [string, string, string][] = [
    ['/v1/sales', 'DELETE', 'GET, HEAD, POST'],
    [`/v1/sales/${queued}`, 'POST', 'GET, HEAD, PATCH'],
    [`/v1/sales/${queued}/orders`, 'PUT', 'POST'],
    [`/v1/orders/${bobs}`, 'PATCH', 'GET, HEAD, DELETE'],
    [`/v1/orders/${bobs}/payment`, 'GET', 'POST'],
  ];
  for (const [path, method, allow] of offered) {
    const response = await request(path, { method }, alice);
    assert.equal(response.headers.get('allow'), allow);
    await assertProblem(response, 405, 'method-not-allowed');
  }
  for (const path of ['/', '/v1', '/v2/sales', `/v1/orders/${bobs}/x`])
    await assertProblem(await request(path, {}, alice), 404, 'not-found');
  await assertProblem(await request('/v1/orders/%E0%A4%A', {}, alice), 400, 'bad-request');
});

test('after all of this nothing has changed in any store, and the next good order is the only new one', async () => {
  assert.deepEqual(await evidence.fingerprint(), untouched);
  // The queue is first in, first out: an order that had slipped into it would have a row by now.
  const order = await shop.buy(queued, 'alice');
  await shop.final(order.orderId as string, 'alice');
  const { rows } = await evidence.stores.orders.query('SELECT id FROM orders ORDER BY id');
  assert.deepEqual(
    rows.map(({ id }) => id),
    [bobs, order.orderId],
  );
});
