// From rows to ratios.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from '../figures/figures.ts';
import { cpuCosts, type Row, ratioOf, type Whose } from './ratios.ts';

const row = (round: number, of: Whose, value: number): Row => ({ round, ratio: 'accept', of, value, detail: {} });
const rows = [
  ...[row(1, 'ours', 50), row(1, 'reference', 100)],
  ...[row(2, 'reference', 200), row(2, 'ours', 160)],
  ...[row(3, 'ours', 66), row(3, 'reference', 110)],
  { ...row(3, 'ours', 1), ratio: 'drain' as const },
];

test('a ratio is the median of those of the rounds, each of what was measured side by side', () => {
  assert.deepEqual(ratioOf(rows, 'accept'), { median: 0.6, min: 0.5, max: 0.8, ours: 66, reference: 110 });
});

test('a round of which one side is missing has no ratio', () => {
  assert.throws(() => ratioOf(rows, 'drain'), /round 3: drain has only one side/);
});

test('the median of an even number lies between the middle two', () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
});

test('CPU costs are told by process, and their sum is of each round, not of the medians', () => {
  const costs = cpuCosts([
    { gateway: 1, redis: 5 },
    { gateway: 3, redis: 1 },
    { gateway: 2, redis: 3 },
  ]);
  assert.deepEqual(costs.gateway, { median: 2, min: 1, max: 3 });
  assert.deepEqual(costs.sum, { median: 5, min: 4, max: 6 });
});
