import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { BANK_API_KEY } from '../../../infra/testbed/services.ts';
import { openBank, storeFile } from './bank.ts';

const CALLS = [
  ['POST', '/charges'],
  ['POST', '/charges/order-1/reverse'],
  ['GET', '/statement'],
  ['GET', '/behaviour'],
  ['PATCH', '/behaviour'],
  ['GET', '/nothing'],
] as const;

test('every call needs the key', async (t) => {
  const bank = await openBank(t);
  for (const [method, path] of CALLS) {
    for (const authorization of ['', 'Bearer x', `Basic ${BANK_API_KEY}`]) {
      const response = await bank.call(method, path, undefined, { authorization });
      assert.deepEqual([response.status, response.type], [401, 'application/problem+json; charset=utf-8'], path);
    }
  }
});

test('a charge that cannot be read is refused with a 4xx problem, and nothing is charged', async (t) => {
  const bank = await openBank(t);
  const good = { amountMinor: 1, currency: 'EUR' };
  const bodies = [
    '{',
    '[]',
    'null',
    '"x"',
    {},
    { ...good, amountMinor: 0 },
    { ...good, amountMinor: 1.5 },
    { ...good, amountMinor: '1' },
  ];
  const more = [
    { ...good, amountMinor: 2 ** 60 },
    { ...good, currency: 'eur' },
    { ...good, extra: 1 },
    { currency: 'EUR' },
    'x'.repeat(5_000),
  ];
  for (const body of [...bodies, ...more]) {
    const { status, type } = await bank.call('POST', '/charges', body, { 'idempotency-key': 'order-1' });
    assert.ok(status >= 400 && status < 500, `${status} for ${JSON.stringify(body).slice(0, 80)}`);
    assert.match(type ?? '', /problem\+json/);
  }
  for (const key of ['', 'a b', 'é', 'x'.repeat(256)]) {
    const response = await bank.call('POST', '/charges', good, { 'idempotency-key': key });
    assert.equal(response.status, 400, key);
    assert.match(String(response.body.detail), /Idempotency-Key/);
  }
  assert.equal((await bank.call('POST', '/charges', good)).status, 400);
  assert.equal(
    (await bank.call('POST', '/charges', 'x=1', { 'idempotency-key': 'k', 'content-type': 'text/plain' })).status,
    400,
  );
  assert.equal((await bank.call('POST', '/charges/%E0/reverse')).status, 400);
  assert.equal((await bank.call('GET', '/statement?since=yesterday')).status, 400);
  assert.equal((await bank.call('GET', '/nothing')).status, 404);
  assert.deepEqual((await bank.statement()).charges, []);
});

test('a key of 255 visible characters is taken', async (t) => {
  const bank = await openBank(t);
  assert.equal((await bank.charge('~'.repeat(255))).status, 201);
});

test('the statement shows what changed since, in one response, be it 25,000 charges', async (t) => {
  const file = storeFile(t);
  const times = { receivedAtMs: 1_000, startedAtMs: 1_000, finishedAtMs: 1_001 };
  for (let i = 0; i < 25_000; i++) {
    const charge = { amountMinor: 1_000, currency: 'EUR', ...times };
    appendFileSync(file, `${JSON.stringify({ key: `order-${i}`, status: 'captured', atMs: 1_001, charge })}\n`);
  }
  const bank = await openBank(t, { STORE_FILE: file });
  const since = Date.now();
  assert.equal((await bank.statement()).charges.length, 25_000);
  assert.deepEqual((await bank.statement(since)).charges, []);
  await bank.reverse('order-7');
  await bank.charge('order-new');
  const changed = (await bank.statement(since)).charges.map(({ key, status }) => ({ key, status }));
  assert.deepEqual(changed, [
    { key: 'order-7', status: 'reversed' },
    { key: 'order-new', status: 'captured' },
  ]);
});
