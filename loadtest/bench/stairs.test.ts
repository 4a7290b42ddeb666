// How the steady rate is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { climb, createStairs, isSteady } from './stairs.ts';

test('a rate is steady if what is offered arrives and as much is confirmed', () => {
  const held = { rate: 1_000, seconds: 30, arrived: 30_000, confirmed: 29_900 };
  assert.equal(isSteady(held), true);
  assert.equal(isSteady({ ...held, confirmed: 29_600 }), false);
  assert.equal(isSteady({ ...held, confirmed: 30_400 }), false, 'a line of before is worked off');
  assert.equal(isSteady({ ...held, arrived: 29_600, confirmed: 29_600 }), false, 'the gateway does not keep up');
});

const below = (limit: number, tried: number[]) => async (rate: number) => {
  tried.push(rate);
  return rate < limit;
};

test('the search goes up until a rate does not hold, or down until one does', async () => {
  const tried: number[] = [];
  assert.equal(await climb(100, 1.5, below(200, tried)), 150);
  assert.deepEqual(tried, [100, 150, 225]);
  assert.equal(await climb(400, 2, below(150, [])), 100);
});

test('within a round the rate goes down until it holds; the next round tries a little more', () => {
  const stairs = createStairs(1_000);
  stairs.grew(990);
  assert.equal(stairs.rate(), 950, 'at least a little');
  stairs.grew(855);
  assert.equal(stairs.rate(), 855, 'to what was reached');
  stairs.grew(0);
  assert.equal(stairs.rate(), 684, 'and not too far at once');
  stairs.held();
  assert.equal(stairs.rate(), 711);
});
