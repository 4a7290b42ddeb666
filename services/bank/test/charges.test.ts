import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BANK_API_KEY } from '../../../infra/testbed/services.ts';
import { openBank } from './bank.ts';

/** A turn of more than a quarter of an hour: a queued charge stays queued until the rate is changed. */
const STANDSTILL = 0.001;

test('a charge is captured, and the same key gets the same response however often it is repeated', async (t) => {
  const bank = await openBank(t);
  const first = await bank.charge('order-1');
  assert.equal(first.status, 201);
  assert.deepEqual(
    { ...first.body, at: '' },
    { key: 'order-1', status: 'captured', amountMinor: 1000, currency: 'EUR', at: '' },
  );
  assert.ok(Math.abs(Date.parse(String(first.body.at)) - Date.now()) < 60_000);
  assert.deepEqual(await bank.charge('order-1'), first);
  assert.equal((await bank.statement()).charges.length, 1);
});

test('a key that comes again with another body is refused with 422, done or in progress', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const running = bank.charge('order-1', 1_000);
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  assert.equal((await bank.charge('order-1', 2_000)).status, 422);
  await bank.change({ chargesPerSecond: 0 });
  assert.equal((await running).status, 201);
  assert.equal((await bank.charge('order-1', 2_000)).status, 422);
});

test('a call that is repeated while its charge is in progress attaches to it, and takes no second turn', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const requested = Array.from({ length: 20 }, () => bank.charge('order-1'));
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  requested.push(bank.charge('order-1'));
  await bank.change({ chargesPerSecond: 0 });
  const responses = await Promise.all(requested);
  assert.deepEqual(new Set(responses.map((response) => JSON.stringify(response))).size, 1);
  assert.equal(responses[0]?.status, 201);
  assert.equal((await bank.statement()).charges.length, 1);
});

test('a declined charge is 402, and stays declined', async (t) => {
  const bank = await openBank(t, { DECLINE_RATE: 1 });
  const response = await bank.charge('order-1');
  assert.deepEqual([response.status, response.type], [402, 'application/problem+json; charset=utf-8']);
  await bank.change({ declineRate: 0 });
  assert.equal((await bank.charge('order-1')).status, 402);
  assert.deepEqual((await bank.reverse('order-1')).body, { key: 'order-1', status: 'declined' });
  assert.deepEqual(
    (await bank.statement()).charges.map(({ status }) => status),
    ['declined'],
  );
});

test('a captured charge is refunded once, and a later charge with its key is refused', async (t) => {
  const bank = await openBank(t);
  await bank.charge('order-1');
  for (let i = 0; i < 2; i++) {
    const response = await bank.reverse('order-1');
    assert.deepEqual([response.status, response.body], [200, { key: 'order-1', status: 'reversed' }]);
  }
  assert.equal((await bank.charge('order-1')).status, 409);
  assert.deepEqual(
    (await bank.statement()).charges.map(({ status }) => status),
    ['reversed'],
  );
});

test('a key that is reversed before it was ever charged is refused for ever, and not on the statement', async (t) => {
  const bank = await openBank(t);
  assert.deepEqual((await bank.reverse('a/b c')).status, 400);
  assert.deepEqual((await bank.reverse('order/1')).body, { key: 'order/1', status: 'reversed' });
  assert.equal((await bank.charge('order/1')).status, 409);
  assert.deepEqual((await bank.statement()).charges, []);
});

test('a queued charge is cancelled by its reversal, and takes no turn', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const first = bank.charge('first');
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  const second = bank.charge('second');
  await bank.queueHas({ waiting: 1, inProgress: 1 });
  assert.deepEqual((await bank.reverse('second')).body.status, 'reversed');
  assert.equal((await second).status, 409);
  await bank.change({ chargesPerSecond: 0 });
  assert.equal((await first).status, 201);
  assert.deepEqual(
    (await bank.statement()).charges.map(({ key }) => key),
    ['first'],
  );
});

test('a charge whose turn has begun is captured and refunded by its reversal, never captured only', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const requested = bank.charge('order-1');
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  assert.equal((await bank.reverse('order-1')).body.status, 'reversed');
  assert.equal((await bank.charge('order-1')).status, 409);
  await bank.change({ chargesPerSecond: 0 });
  assert.equal((await requested).status, 409);
  assert.deepEqual(
    (await bank.statement()).charges.map(({ status }) => status),
    ['reversed'],
  );
});

test('whatever way a charge and its reversal meet, the key ends reversed', async (t) => {
  const bank = await openBank(t, { LATENCY_P50_MS: 3, LATENCY_P99_MS: 30, CHARGES_PER_SECOND: 2_000 });
  const keys = Array.from({ length: 100 }, (_, i) => `order-${i}`);
  const responses = await Promise.all(
    keys.map(async (key) => [await bank.charge(key), await bank.reverse(key)] as const),
  );
  const crossed = await Promise.all(
    keys.map((key) => Promise.all([bank.charge(`x-${key}`), bank.reverse(`x-${key}`)])),
  );
  for (const [, reversal] of [...responses, ...crossed]) assert.equal(reversal.body.status, 'reversed');
  assert.deepEqual(new Set((await bank.statement()).charges.map(({ status }) => status)), new Set(['reversed']));
});

test('a charge goes on when its caller hangs up', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const hangUp = new AbortController();
  const requested = fetch(`${bank.url}/charges`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${BANK_API_KEY}`,
      'content-type': 'application/json',
      'idempotency-key': 'order-1',
    },
    body: JSON.stringify({ amountMinor: 1_000, currency: 'EUR' }),
    signal: hangUp.signal,
  });
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  hangUp.abort();
  await assert.rejects(requested);
  await bank.change({ chargesPerSecond: 0 });
  await bank.queueHas({ waiting: 0, inProgress: 0 });
  assert.deepEqual(
    (await bank.statement()).charges.map(({ status }) => status),
    ['captured'],
  );
});
