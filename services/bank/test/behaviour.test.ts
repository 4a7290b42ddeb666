import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { openBank } from './bank.ts';

const keys = (count: number, prefix = 'order') => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

test('charges take turns of 1/chargesPerSecond, first come, first served, and the bank is never idle while one waits', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: 400 });
  await Promise.all(keys(200).map((key) => bank.charge(key)));
  const { charges } = await bank.statement();
  assert.equal(charges.length, 200);
  charges.forEach((charge, i) => {
    const before = charges[i - 1];
    const turnMs = charge.finishedAtMs - charge.startedAtMs;
    assert.ok(turnMs === 2 || turnMs === 3, `a turn of ${turnMs} ms`);
    assert.ok(charge.startedAtMs >= charge.receivedAtMs);
    if (!before) return;
    assert.ok(charge.receivedAtMs >= before.receivedAtMs, 'first come, first served');
    assert.equal(charge.startedAtMs, Math.max(before.finishedAtMs, charge.receivedAtMs));
  });
});

test('a turn is far shorter than a timer, and the rate is still what it says', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: 0.001 });
  const requested = keys(300).map((key) => bank.charge(key));
  await bank.queueHas({ waiting: 299, inProgress: 1 });
  await bank.change({ chargesPerSecond: 5_000 });
  await Promise.all(requested);
  const { charges } = await bank.statement();
  const ms = (charges.at(-1)?.finishedAtMs ?? 0) - (charges[0]?.finishedAtMs ?? 0);
  assert.ok(Math.abs(ms - 299 / 5) <= 2, `299 turns took ${ms} ms`);
});

test('of failing charges half took effect and half did not, and repeating finds each one once', async (t) => {
  const bank = await openBank(t, { ERROR_RATE: 1 });
  const failed = await Promise.all(keys(60).map((key) => bank.charge(key)));
  assert.deepEqual(new Set(failed.map((response) => response.status)), new Set([500]));
  const took = (await bank.statement()).charges.length;
  assert.ok(took > 10 && took < 50, `${took} of 60 took effect`);
  await bank.change({ errorRate: 0 });
  const again = await Promise.all(keys(60).map((key) => bank.charge(key)));
  assert.deepEqual(new Set(again.map((response) => response.status)), new Set([201]));
  assert.equal((await bank.statement()).charges.length, 60);
});

test('a late charge takes effect in time and its response comes later', async (t) => {
  const bank = await openBank(t, { LATE_RATE: 1, LATE_MS: 100 });
  const from = Date.now();
  assert.equal((await bank.charge('order-1')).status, 201);
  assert.ok(Date.now() - from >= 99);
});

test('while a late response is on its way, the charge is on the statement and a repeated call has its response at once', async (t) => {
  const bank = await openBank(t, { LATE_RATE: 1, LATE_MS: 3_600_000, STOP_MS: 1 });
  const late = assert.rejects(bank.charge('order-1'));
  await until('it is on the statement', async () => (await bank.statement()).charges.length === 1);
  assert.equal((await bank.charge('order-1')).status, 201);
  await bank.stop();
  await late;
});

test('latency comes on top of the queue, and in parallel', async (t) => {
  const bank = await openBank(t, { LATENCY_P50_MS: 300, LATENCY_P99_MS: 300 });
  const from = Date.now();
  await Promise.all(keys(50).map((key) => bank.charge(key)));
  const tookMs = Date.now() - from;
  assert.ok(tookMs >= 295 && tookMs < 50 * 300, `${tookMs} ms`);
});

test('the same seed meets the same bank, from the start and when it is set again', async (t) => {
  const run = async (bank: Awaited<ReturnType<typeof openBank>>, prefix: string) => {
    const statuses: number[] = [];
    for (const key of keys(40, prefix)) statuses.push((await bank.charge(key)).status);
    return statuses;
  };
  const knobs = { DECLINE_RATE: 0.3, ERROR_RATE: 0.2, SEED: 7 };
  const [one, other] = [await openBank(t, knobs), await openBank(t, knobs)];
  const first = await run(one, 'a');
  assert.deepEqual(new Set(first), new Set([201, 402, 500]));
  assert.deepEqual(await run(other, 'a'), first);
  await one.change({ seed: 7 });
  assert.deepEqual(await run(one, 'b'), first);
  await one.change({ seed: 8 });
  assert.notDeepEqual(await run(one, 'c'), first);
});

test('any subset of the knobs is set, the rest stays, and nonsense changes nothing', async (t) => {
  const bank = await openBank(t, { LATENCY_P99_MS: 5, SEED: 3 });
  const changed = await bank.change({ declineRate: 0.5, latencyMs: { p50: 1 } });
  const now = {
    chargesPerSecond: 0,
    latencyMs: { p50: 1, p99: 5 },
    declineRate: 0.5,
    errorRate: 0,
    lateRate: 0,
    lateMs: 0,
    seed: 3,
  };
  assert.deepEqual([changed.status, changed.body], [200, now]);
  for (const bad of [{ declineRate: 2 }, { latencyMs: { p50: -1 } }, { speed: 1 }, { seed: 'x' }, [], 'null', '{']) {
    assert.equal((await bank.change(bad as object)).status, 400, JSON.stringify(bad));
  }
  assert.deepEqual((await bank.call('GET', '/behaviour')).body, now);
});
