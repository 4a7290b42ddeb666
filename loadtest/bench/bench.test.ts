// The bench's arithmetic: ratios and costs of rows, the search for the steady rate, responses that must not count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from '../figures/figures.ts';
import { assertResponses } from './load.ts';
import { cpuCosts, type Row, ratioOf, type Whose } from './report.ts';
import { below, climb, isSteady } from './steady.ts';

const row = (run: number, of: Whose, value: number): Row => ({ run, ratio: 'accept', of, value, detail: {} });
const rows = [
  ...[row(1, 'ours', 50), row(1, 'reference', 100)],
  ...[row(2, 'reference', 200), row(2, 'ours', 160)],
  ...[row(3, 'ours', 66), row(3, 'reference', 110)],
  { ...row(3, 'ours', 1), ratio: 'drain' as const },
];

test('a ratio is the median of those of the runs, each of two values measured side by side', () => {
  assert.deepEqual(ratioOf(rows, 'accept'), { median: 0.6, min: 0.5, max: 0.8, ours: 66, reference: 110 });
});

test('a run of which one side is missing has no ratio', () => {
  assert.throws(() => ratioOf(rows, 'drain'), /run 3: drain has only one side/);
});

test('the median of an even number lies between the middle two', () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
});

test('CPU costs are by process, and their sum is of each run, not of the medians', () => {
  const costs = cpuCosts([
    { gateway: 1, redis: 5 },
    { gateway: 3, redis: 1 },
    { gateway: 2, redis: 3 },
  ]);
  assert.deepEqual(costs.gateway, { median: 2, min: 1, max: 3 });
  assert.deepEqual(costs.sum, { median: 5, min: 4, max: 6 });
});

test('a rate is steady if what is offered arrives and as much is confirmed', () => {
  const held = { rate: 1_000, seconds: 30, arrived: 30_000, confirmed: 29_900 };
  assert.equal(isSteady(held), true);
  assert.equal(isSteady({ ...held, late: 1 }), false, 'a response came too late');
  assert.equal(isSteady({ ...held, confirmed: 29_600 }), false);
  assert.equal(isSteady({ ...held, confirmed: 30_400 }), false, 'an earlier queue is worked off');
  assert.equal(isSteady({ ...held, arrived: 29_600, confirmed: 29_600 }), false, 'the gateway does not keep up');
});

const upTo = (limit: number, tried: number[]) => async (rate: number) => {
  tried.push(rate);
  return rate < limit;
};

test('the search goes up until a rate does not hold, and begins below the guess where not even that does', async () => {
  const tried: number[] = [];
  assert.equal(await climb(100, 1.5, upTo(200, tried)), 150);
  assert.deepEqual(tried, [100, 150, 225]);
  assert.equal(await climb(400, 2, upTo(150, [])), 200);
  assert.equal(await climb(1, 1.1, upTo(1, [])), 1);
});

test('a rate that did not hold is followed by what was reached, within bounds', () => {
  assert.equal(below(1_000, 990), 950);
  assert.equal(below(1_000, 900), 900);
  assert.equal(below(1_000, 0), 800);
});

test('a figure counts only if each request got the expected response in time', () => {
  const responses = {
    requests: 1_000,
    seconds: 5,
    lateShare: 0,
    latestMs: 0,
    latencyMs: { p50: 2, p99: 12.5, max: 30 },
  };
  const errors = { connection: 0, timeout: 0 };
  const all = { ...responses, statuses: { 202: 1_000 }, errors };
  assert.doesNotThrow(() => assertResponses(all, 202, 'accept', 1_000));
  assert.throws(() => assertResponses(all, 202, 'accept', 2_000), /too few responses in time/);
  assert.throws(() => assertResponses(all, 410, 'refusal'), /must get 410: 1000 × 202/);
  assert.throws(() => assertResponses({ ...all, errors: { ...errors, timeout: 3 } }, 202, 'accept'), /3 × timeout/);
  assert.throws(() => assertResponses({ ...all, requests: 0, statuses: {} }, 202, 'accept'), /too few responses/);
});
