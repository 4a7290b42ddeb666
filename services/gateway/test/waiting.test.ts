// How long an order will wait: how fast its queue moves, its Retry-After, and when it is refused instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createThroughput, createWaitingEstimate } from '../src/domain/queue-progress.ts';
import { retryAfter } from '../src/inbound/orders-http.ts';

function fakeClock() {
  let ms = 0;
  return { now: () => ms, pass: (passed: number) => (ms += passed) };
}

/** So many results, evenly. */
function steadily(count: () => void, time: ReturnType<typeof fakeClock>, perSecond: number, ms: number) {
  for (let passed = 0; passed < ms; passed += 1_000 / perSecond) {
    count();
    time.pass(1_000 / perSecond);
  }
}

function measuring() {
  const time = fakeClock();
  const throughput = createThroughput(time.now);
  const perSecond = () => throughput.measure('sale')?.perSecond;
  return { time, throughput, count: () => throughput.count('sale'), perSecond };
}

const near = (value: number | undefined, expected: number, share = 0.05) =>
  assert.ok(Math.abs((value ?? 0) - expected) < expected * share, `${value}, not ${expected}`);

test('the throughput of a queue that moves evenly is what it moves by, after a second and after a minute', () => {
  for (const ms of [1_000, 4_000, 7_500, 60_000]) {
    const { time, count, perSecond } = measuring();
    steadily(count, time, 100, ms);
    near(perSecond(), 100);
  }
});

test('a queue that moves in bursts is measured from burst to burst, not by the silence between them', () => {
  const { time, count, perSecond } = measuring();
  for (let burst = 0; burst < 4; burst += 1) {
    for (let i = 0; i < 200; i += 1) count();
    if (burst === 0) assert.equal(perSecond(), undefined, 'one burst says nothing');
    for (const passed of [100, 4_900, 5_000]) {
      time.pass(passed);
      if (burst > 0) near(perSecond(), 20, 0.01);
    }
  }
});

test('a queue that stands is measured slower and slower', () => {
  const { time, count, perSecond } = measuring();
  steadily(count, time, 100, 10_000);
  time.pass(4_000);
  near(perSecond(), 100);
  time.pass(31_000);
  assert.ok((perSecond() ?? 0) < 30, `${perSecond()}`);
});

test('an empty queue is no slow one: its silence is forgotten with what was before, and each sale has its own', () => {
  const { time, throughput, count, perSecond } = measuring();
  assert.equal(perSecond(), undefined);
  steadily(count, time, 10, 6_000);
  throughput.sawEmpty('sale');
  near(perSecond(), 10);
  assert.equal(throughput.measure('another'), undefined);
  time.pass(60_000);
  throughput.sawEmpty('sale');
  assert.equal(perSecond(), undefined);
  steadily(count, time, 10, 6_000);
  near(perSecond(), 10);
});

test('a faster queue shows within half a minute, and a slow one is measured over as long as 50 results take', () => {
  const { time, count, perSecond } = measuring();
  steadily(count, time, 1, 120_000);
  near(perSecond(), 1);
  steadily(count, time, 100, 31_000);
  near(perSecond(), 100);
});

const SALE = { id: 'sale', decideWithinSeconds: 100 };
const CONFIRMED = { saleId: 'sale', status: 'confirmed', reason: null } as const;

function estimating() {
  const time = fakeClock();
  const estimate = createWaitingEstimate(time.now);
  return {
    time,
    estimate,
    moves: (perSecond: number, ms: number) => steadily(() => estimate.count(CONFIRMED), time, perSecond, ms),
  };
}

test('the wait is the place in the queue, or its length, by its throughput', () => {
  const { estimate, moves } = estimating();
  assert.equal(estimate.waitMs('sale', 50), undefined);
  moves(25, 5_000);
  near(estimate.waitMs('sale', 50), 2_000);
  estimate.see('sale', 100);
  near(estimate.waitMs('sale'), 4_000);
});

test('an order is too late for a wait of more than 0.8 of the sale’s time, and never with a short history', () => {
  const { estimate, moves } = estimating();
  estimate.see('sale', 1_000_000);
  assert.equal(estimate.tooLong(SALE), undefined);
  moves(100, 4_000);
  assert.equal(estimate.tooLong(SALE), undefined, 'less than 5 s');
  moves(100, 2_000);
  estimate.see('sale', 7_500);
  assert.equal(estimate.tooLong(SALE), undefined);
  estimate.see('sale', 8_500);
  near(estimate.tooLong(SALE), 85_000);
  const slow = estimating();
  slow.estimate.see('sale', 1_000);
  slow.moves(4, 11_000);
  assert.equal(slow.estimate.tooLong(SALE), undefined, 'less than 50 results');
  slow.moves(4, 4_000);
  near(slow.estimate.tooLong(SALE), 250_000);
});

test('an order that ran out of time or did not wait does not count as throughput; a hold that is reserved does', () => {
  const { time, estimate } = estimating();
  const others = [
    { status: 'expired', reason: null },
    { status: 'cancelled', reason: null },
    { status: 'rejected', reason: 'timed_out' },
  ] as const;
  for (const other of others) steadily(() => estimate.count({ saleId: 'sale', ...other }), time, 10, 3_000);
  assert.equal(estimate.waitMs('sale', 10), undefined);
  steadily(() => estimate.count({ saleId: 'sale', status: 'reserved', reason: null }), time, 10, 3_000);
  near(estimate.waitMs('sale', 10), 1_000);
});

test('the 5,000th in a queue of 100/s is to come back in 20 to 40 s; no buyer sooner than in 1 s or later than in 60', () => {
  const range = (waitMs: number | undefined) => [retryAfter(waitMs, () => 0), retryAfter(waitMs, () => 0.999999)];
  assert.deepEqual(range(50_000), ['20', '40']);
  assert.deepEqual(range(0), ['1', '1']);
  assert.deepEqual(range(1_200), ['1', '1']);
  assert.deepEqual(range(600_000), ['60', '60']);
  assert.deepEqual(range(undefined), ['1', '2']);
});
