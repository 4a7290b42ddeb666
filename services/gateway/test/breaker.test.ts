// The breaker, rule by rule, by a clock that the test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBreaker, type Pass } from '../src/domain/limits.ts';

function breaking() {
  let ms = 0;
  const breaker = createBreaker(() => ms);
  const enter = () => breaker.enter() as Pass;
  const call = (responded: boolean) => {
    const pass = enter();
    pass.note(responded);
    pass.leave();
  };
  return { breaker, enter, call, pass: (passed: number) => (ms += passed) };
}

test('a time-out opens it for a second, then one caller probes while the others are still refused', () => {
  const { breaker, enter, call, pass } = breaking();
  call(false);
  assert.deepEqual([breaker.closed(), breaker.enter()], [false, undefined]);
  pass(999);
  assert.equal(breaker.closed(), false);
  pass(1);
  assert.equal(breaker.closed(), true);
  const probe = enter();
  assert.deepEqual([breaker.closed(), breaker.enter()], [false, undefined]);
  probe.note(true);
  probe.leave();
  assert.equal(breaker.closed(), true);
});

test('a probe that times out opens it for another second; one that never called makes way for the next', () => {
  const { breaker, enter, call, pass } = breaking();
  call(false);
  pass(1_000);
  call(false);
  assert.equal(breaker.closed(), false);
  pass(1_000);
  enter().leave();
  assert.equal(breaker.closed(), true);
});

test('one slow call is no silence: another had a response since it began', () => {
  const { breaker, enter, call, pass } = breaking();
  const slow = enter();
  pass(10);
  call(true);
  pass(2_000);
  slow.note(false);
  slow.leave();
  assert.equal(breaker.closed(), true);
});
