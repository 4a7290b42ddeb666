// How the steady rate is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, climb, isSteady } from './stairs.ts';

test('a rate is steady if what is offered arrives and as much is confirmed', () => {
  const held = { rate: 1_000, seconds: 30, arrived: 30_000, confirmed: 29_900 };
  assert.equal(isSteady(held), true);
  assert.equal(isSteady({ ...held, confirmed: 29_600 }), false);
  assert.equal(isSteady({ ...held, confirmed: 30_400 }), false, 'a line of before is worked off');
  assert.equal(isSteady({ ...held, arrived: 29_600, confirmed: 29_600 }), false, 'the gateway does not keep up');
});

const upTo = (limit: number, tried: number[]) => async (rate: number) => {
  tried.push(rate);
  return rate < limit;
};

test('the search goes up until a rate does not hold, or down until one does', async () => {
  const tried: number[] = [];
  assert.equal(await climb(100, 1.5, upTo(200, tried)), 150);
  assert.deepEqual(tried, [100, 150, 225]);
  assert.equal(await climb(400, 2, upTo(150, [])), 100);
  await assert.rejects(climb(10, 1.1, upTo(1, [])), /not even one order/);
});

test('a rate that did not hold is followed by what was reached, within bounds', () => {
  assert.equal(below(1_000, 990), 950);
  assert.equal(below(1_000, 900), 900);
  assert.equal(below(1_000, 0), 800);
});
