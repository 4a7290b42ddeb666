import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Click } from '../../infra/clients/answer.ts';
import type { Order } from '../../infra/clients/shop.ts';
import { idleShare } from './bank-idle.ts';
import { peakLine, percentiles, roadFigures } from './figures.ts';

const click = (status: number, more: Partial<Click> = {}): Click => ({
  lateMs: 0,
  answerMs: 5,
  answeredAt: 1_000,
  status,
  timedOut: false,
  problem: null,
  reason: null,
  orderId: null,
  ...more,
});
const soldOut = (answeredAt: number) => click(410, { problem: 'sold-out', answeredAt });
const busy = (answeredAt: number) => click(503, { problem: 'busy', answeredAt });
const order = (orderId: string, createdAt: number, decidedAt: number | null, status = 'confirmed'): Order => ({
  orderId,
  status,
  createdAt,
  decidedAt,
});
const byId = (...orders: Order[]) => new Map(orders.map((one) => [one.orderId, one]));

test('a road without a single click has empty figures, not wrong ones', () => {
  const figures = roadFigures({ stock: 5, clicks: [], orders: new Map(), lastClickAt: 0 });
  assert.deepEqual(figures.clickToFinalMs, { p50: null, p95: null, p99: null, max: null });
  assert.deepEqual([figures.offered, figures.unsold, figures.peakLine, figures.drainedMs], [0, 5, 0, 0]);
});

test('a yes whose order never ends is unknown at the end, a 504 that ends is not', () => {
  const clicks = [
    click(202, { orderId: 'a' }),
    click(504, { problem: 'outcome-unknown', orderId: 'b' }),
    click(0, { timedOut: true }),
  ];
  const orders = byId(order('a', 0, null, 'queued'), order('b', 0, 10, 'rejected'));
  const figures = roadFigures({ stock: 5, clicks, orders, lastClickAt: 0 });
  assert.equal(figures.unknown, 2);
  assert.equal(figures.yes, 1);
  assert.equal(figures.unanswered, 2, 'whatever became of the order, the buyer was not told in time');
});

test('whoever clicked is counted once: yes, a no, unanswered or an error', () => {
  const clicks = [
    click(201, { orderId: 'a' }),
    click(202, { orderId: 'b' }),
    soldOut(0),
    busy(0),
    click(409, { problem: 'rejected', reason: 'timed_out' }),
    click(409, { problem: 'limit' }),
    click(403, { problem: 'not-open' }),
    click(504, { problem: 'outcome-unknown', orderId: 'c' }),
    click(504, { problem: 'outcome-unknown', orderId: 'd' }),
    click(0, { timedOut: true }),
    click(500),
    click(402, { problem: 'payment-declined' }),
    click(429, { problem: 'too-often' }),
  ];
  const orders = byId(order('a', 0, 1), order('b', 0, null, 'queued'), order('c', 0, 9), order('d', 0, null, 'queued'));
  const { offered, yes, no, unanswered, errors } = roadFigures({ stock: 5, clicks, orders, lastClickAt: 0 });
  assert.equal(offered, 13);
  assert.equal(yes + Object.values(no).reduce((a, b) => a + b) + unanswered + errors, offered);
  assert.deepEqual([yes, unanswered, errors], [2, 3, 3]);
});

test('the final result is waited for from when the click was due, on both roads by one clock', () => {
  // Due at 1000 each, minted by the gateway at 1040.
  const orders = byId(order('a', 1_040, 1_960), order('b', 1_040, 5_000), order('c', 1_040, 3_500));
  const finalMs = (...clicks: Click[]) => roadFigures({ stock: 5, clicks, orders, lastClickAt: 0 }).clickToFinalMs.p50;
  const called = click(201, { orderId: 'a', answerMs: 963, answeredAt: 1_963 });
  assert.equal(finalMs(called), 963, 'a 201 is the result: no yes comes later than it');
  assert.equal(finalMs(click(202, { orderId: 'b', answerMs: 45, answeredAt: 1_045 })), 4_000);
  const late = click(504, { problem: 'outcome-unknown', orderId: 'c', answerMs: 2_050, answeredAt: 3_050 });
  assert.equal(finalMs(late), 2_500, 'decided after the answer');
  assert.equal(finalMs(soldOut(1_000)), null);
});

test('of orders that were not confirmed no result is timed', () => {
  const orders = byId(order('a', 0, 50, 'rejected'), order('b', 0, null, 'queued'));
  const clicks = [click(202, { orderId: 'a' }), click(202, { orderId: 'b' })];
  assert.deepEqual(roadFigures({ stock: 5, clicks, orders, lastClickAt: 0 }).clickToFinalMs, {
    p50: null,
    p95: null,
    p99: null,
    max: null,
  });
});

test('sold out: turned away too early are those refused before the last unit that was sold had been clicked', () => {
  const orders = byId(order('a', 100, 200), order('b', 300, 900));
  const clicks = [soldOut(299), busy(250), soldOut(300), soldOut(301)];
  const facts = { clicks, orders, lastClickAt: 500 };
  assert.equal(roadFigures({ stock: 2, ...facts }).turnedAwayWhileUnsold, 2);
  assert.equal(roadFigures({ stock: 3, ...facts }).turnedAwayWhileUnsold, 4, 'a unit was left for each of them');
});

test('sold when the crowd had left counts what was decided up to the last click', () => {
  const orders = byId(order('a', 0, 500), order('b', 0, 501), order('c', 0, 400, 'rejected'));
  const figures = roadFigures({ stock: 3, clicks: [], orders, lastClickAt: 500 });
  assert.equal(figures.confirmedWhenCrowdLeft, 1);
  assert.equal(figures.confirmed, 2);
  assert.equal(figures.drainedMs, 1);
});

test('the longest line is exact, whatever the order of the orders', () => {
  assert.equal(peakLine([]), 0);
  const spans = [
    { createdAt: 5, decidedAt: 10 },
    { createdAt: 0, decidedAt: 5 },
    { createdAt: 6, decidedAt: null },
  ];
  assert.equal(peakLine(spans), 2, 'who leaves in the millisecond in which another comes does not wait with him');
});

test('percentiles are values that occurred', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual(percentiles(hundred), { p50: 50, p95: 95, p99: 99, max: 100 });
  assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7, max: 7 });
});

const turn = (startedAtMs: number, finishedAtMs: number) => ({ startedAtMs, finishedAtMs });

test('the bank is idle between turns and after the last one, until the crowd has left', () => {
  assert.equal(idleShare([turn(110, 120), turn(100, 110)], 120), 0);
  assert.equal(idleShare([turn(100, 110), turn(140, 150)], 150), 0.6);
  assert.equal(idleShare([turn(100, 150)], 200), 0.5);
  assert.equal(idleShare([turn(100, 150), turn(190, 260)], 200), 0.4);
});

test('of a bank that had no turn before the crowd left nothing can be said', () => {
  assert.equal(idleShare([], 100), null);
  assert.equal(idleShare([turn(100, 110)], 100), null);
});
