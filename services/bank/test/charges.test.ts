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
  const asked = Array.from({ length: 20 }, () => bank.charge('order-1'));
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  asked.push(bank.charge('order-1'));
  await bank.change({ chargesPerSecond: 0 });
  const answers = await Promise.all(asked);
  assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  assert.equal(answers[0]?.status, 201);
  assert.equal((await bank.statement()).charges.length, 1);
});

test('a declined charge is 402, and stays declined', async (t) => {
  const bank = await openBank(t, { DECLINE_RATE: 1 });
  const answer = await bank.charge('order-1');
  assert.deepEqual([answer.status, answer.type], [402, 'application/problem+json; charset=utf-8']);
  await bank.change({ declineRate: 0 });
  assert.equal((await bank.charge('order-1')).status, 402);
  assert.deepEqual((await bank.reverse('order-1')).body, { key: 'order-1', status: 'declined' });
  assert.deepEqual(
    (await bank.statement()).charges.map((line) => line.status),
    ['declined'],
  );
});

test('a captured charge is refunded once, and a later charge with its key is refused', async (t) => {
  const bank = await openBank(t);
  await bank.charge('order-1');
  for (let i = 0; i < 2; i++) {
    const answer = await bank.reverse('order-1');
    assert.deepEqual([answer.status, answer.body], [200, { key: 'order-1', status: 'reversed' }]);
  }
  assert.equal((await bank.charge('order-1')).status, 409);
  assert.deepEqual(
    (await bank.statement()).charges.map((line) => line.status),
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
    (await bank.statement()).charges.map((line) => line.key),
    ['first'],
  );
});

test('a charge whose turn has begun is captured and refunded by its reversal, never captured only', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const asked = bank.charge('order-1');
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  assert.equal((await bank.reverse('order-1')).body.status, 'reversed');
  assert.equal((await bank.charge('order-1')).status, 409);
  await bank.change({ chargesPerSecond: 0 });
  assert.equal((await asked).status, 409);
  assert.deepEqual(
    (await bank.statement()).charges.map((line) => line.status),
    ['reversed'],
  );
});

test('whatever way a charge and its reversal meet, the key ends reversed', async (t) => {
  const bank = await openBank(t, { LATENCY_P50_MS: 3, LATENCY_P99_MS: 30, CHARGES_PER_SECOND: 2_000 });
  const keys = Array.from({ length: 100 }, (_, i) => `order-${i}`);
  const answers = await Promise.all(
    keys.map(async (key) => [await bank.charge(key), await bank.reverse(key)] as const),
  );
  const crossed = await Promise.all(
    keys.map((key) => Promise.all([bank.charge(`x-${key}`), bank.reverse(`x-${key}`)])),
  );
  for (const [, reversal] of [...answers, ...crossed]) assert.equal(reversal.body.status, 'reversed');
  assert.deepEqual(new Set((await bank.statement()).charges.map((line) => line.status)), new Set(['reversed']));
});

test('a charge goes on when its caller hangs up', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const hangUp = new AbortController();
  const asked = fetch(`${bank.url}/charges`, {
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
  await assert.rejects(asked);
  await bank.change({ chargesPerSecond: 0 });
  await bank.queueHas({ waiting: 0, inProgress: 0 });
  assert.deepEqual(
    (await bank.statement()).charges.map((line) => line.status),
    ['captured'],
  );
});
