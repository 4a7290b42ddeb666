// Figures of a path from made-up clicks, the polling for final orders, and CPU seconds of real processes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Click } from '../../infra/clients/outcome.ts';
import type { Order, Shop } from '../../infra/clients/shop.ts';
import { canMeasureCpu, cpuSeconds, cpuUsed } from './cpu.ts';
import { idleShare, longestQueue, pathFigures, percentiles } from './figures.ts';
import { untilFinal } from './finals.ts';
import { duration } from './format.ts';

const click = (status: number, more: Partial<Click> = {}): Click => ({
  lateMs: 0,
  responseMs: 5,
  respondedAt: 1_000,
  status,
  timedOut: false,
  problem: null,
  reason: null,
  orderId: null,
  ...more,
});
const soldOut = (respondedAt: number) => click(410, { problem: 'sold-out', respondedAt });
const busy = (respondedAt: number) => click(503, { problem: 'busy', respondedAt });
const order = (orderId: string, createdAt: number, decidedAt: number | null, status = 'confirmed'): Order => ({
  orderId,
  status,
  createdAt,
  decidedAt,
});
const byId = (...orders: Order[]) => new Map(orders.map((one) => [one.orderId, one]));

test('a path without a single click has empty figures, not wrong ones', () => {
  const figures = pathFigures({ stock: 5, clicks: [], orders: new Map(), lastClickAt: 0 });
  assert.deepEqual(figures.clickToFinalMs, { p50: null, p95: null, p99: null, max: null });
  assert.deepEqual([figures.offered, figures.unsold, figures.longestQueue, figures.drainedMs], [0, 5, 0, 0]);
});

test('a yes whose order never ends is unknown at the end, a 504 that ends is not', () => {
  const clicks = [
    click(202, { orderId: 'a' }),
    click(504, { problem: 'outcome-unknown', orderId: 'b' }),
    click(0, { timedOut: true }),
  ];
  const orders = byId(order('a', 0, null, 'queued'), order('b', 0, 10, 'rejected'));
  const figures = pathFigures({ stock: 5, clicks, orders, lastClickAt: 0 });
  assert.equal(figures.unknown, 2);
  assert.equal(figures.yes, 1);
  assert.equal(figures.timedOut, 2, 'whatever became of the order, its buyer got no response in time');
});

test('each click is counted once: yes, a no, timedOut or an error', () => {
  const clicks = [
    click(201, { orderId: 'a' }),
    click(202, { orderId: 'b' }),
    soldOut(0),
    busy(0),
    click(409, { problem: 'order-rejected', reason: 'timed_out' }),
    click(409, { problem: 'limit' }),
    click(403, { problem: 'not-open' }),
    click(504, { problem: 'outcome-unknown', orderId: 'c' }),
    click(504, { problem: 'outcome-unknown', orderId: 'd' }),
    click(0, { timedOut: true }),
    click(500),
    click(402, { problem: 'payment-declined' }),
    click(429, { problem: 'rate-limited' }),
  ];
  const orders = byId(order('a', 0, 1), order('b', 0, null, 'queued'), order('c', 0, 9), order('d', 0, null, 'queued'));
  const { offered, yes, no, timedOut, errors } = pathFigures({ stock: 5, clicks, orders, lastClickAt: 0 });
  assert.equal(offered, 13);
  assert.equal(yes + Object.values(no).reduce((a, b) => a + b) + timedOut + errors, offered);
  assert.deepEqual([yes, timedOut, errors], [2, 3, 3]);
});

test('the final result is waited for from when the click was due, on both paths by one clock', () => {
  // Due at 1000 each, minted by the gateway at 1040.
  const orders = byId(order('a', 1_040, 1_960), order('b', 1_040, 5_000), order('c', 1_040, 3_500));
  const finalMs = (...clicks: Click[]) => pathFigures({ stock: 5, clicks, orders, lastClickAt: 0 }).clickToFinalMs.p50;
  const called = click(201, { orderId: 'a', responseMs: 963, respondedAt: 1_963 });
  assert.equal(finalMs(called), 963, 'a 201 is the result: no yes comes later than it');
  assert.equal(finalMs(click(202, { orderId: 'b', responseMs: 45, respondedAt: 1_045 })), 4_000);
  const late = click(504, { problem: 'outcome-unknown', orderId: 'c', responseMs: 2_050, respondedAt: 3_050 });
  assert.equal(finalMs(late), 2_500, 'decided after the response');
  assert.equal(finalMs(soldOut(1_000)), null);
});

test('only the results of confirmed orders are timed', () => {
  const orders = byId(order('a', 0, 50, 'rejected'), order('b', 0, null, 'queued'));
  const clicks = [click(202, { orderId: 'a' }), click(202, { orderId: 'b' })];
  assert.deepEqual(pathFigures({ stock: 5, clicks, orders, lastClickAt: 0 }).clickToFinalMs, {
    p50: null,
    p95: null,
    p99: null,
    max: null,
  });
});

test('sold out: refused too early are those before the last unit that was sold had been clicked', () => {
  const orders = byId(order('a', 100, 200), order('b', 300, 900));
  const clicks = [soldOut(299), busy(250), soldOut(300), soldOut(301)];
  const facts = { clicks, orders, lastClickAt: 500 };
  assert.equal(pathFigures({ stock: 2, ...facts }).refusedWhileStockLasted, 2);
  assert.equal(pathFigures({ stock: 3, ...facts }).refusedWhileStockLasted, 4, 'a unit was available for each of them');
});

test('sold by the last click counts orders that were decided up to then', () => {
  const orders = byId(order('a', 0, 500), order('b', 0, 501), order('c', 0, 400, 'rejected'));
  const figures = pathFigures({ stock: 3, clicks: [], orders, lastClickAt: 500 });
  assert.equal(figures.confirmedAtLastClick, 1);
  assert.equal(figures.confirmed, 2);
  assert.equal(figures.drainedMs, 1);
});

test('the longest queue is exact, whatever the order of the orders', () => {
  assert.equal(longestQueue([]), 0);
  const spans = [
    { createdAt: 5, decidedAt: 10 },
    { createdAt: 0, decidedAt: 5 },
    { createdAt: 6, decidedAt: null },
  ];
  assert.equal(
    longestQueue(spans),
    2,
    'an order that ends in the millisecond in which another begins does not wait beside it',
  );
});

test('percentiles are values that occurred, to a tenth of a millisecond', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual(percentiles(hundred), { p50: 50, p95: 95, p99: 99, max: 100 });
  assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7, max: 7 });
  const seconds = 3_654.3;
  assert.deepEqual(percentiles([seconds, 0]), { p50: 0, p95: seconds, p99: seconds, max: seconds });
});

const turn = (startedAtMs: number, finishedAtMs: number) => ({ startedAtMs, finishedAtMs });

test('the bank is idle between turns and after the last one, until the last click', () => {
  assert.equal(idleShare([turn(110, 120), turn(100, 110)], 120), 0);
  assert.equal(idleShare([turn(100, 110), turn(140, 150)], 150), 0.6);
  assert.equal(idleShare([turn(100, 150)], 200), 0.5);
  assert.equal(idleShare([turn(100, 150), turn(190, 260)], 200), 0.4);
});

test('a bank without a charge before the last click has no idle share', () => {
  assert.equal(idleShare([], 100), null);
  assert.equal(idleShare([turn(100, 110)], 100), null);
});

test('durations are written in the unit in which they are read', () => {
  const written = [null, 0, 9.94, 9.96, 10.4, 999.4, 999.6, 1_049, 65_000].map(duration);
  assert.deepEqual(written, ['–', '0.0 ms', '9.9 ms', '10 ms', '10 ms', '999 ms', '1.0 s', '1.0 s', '65.0 s']);
});

/** A shop that decides some orders at each poll, the oldest first. */
function shopThatDecides(eachPoll: number) {
  const polled: string[] = [];
  let decided = 0;
  const order = async (orderId: string): Promise<Order> => {
    polled.push(orderId);
    if (orderId === 'order-000') decided += eachPoll;
    const number = Number(orderId.slice(6));
    const final = number < decided;
    return { orderId, status: final ? 'confirmed' : 'queued', createdAt: 0, decidedAt: final ? 1 : null };
  };
  return { shop: { order } as unknown as Shop, polled, decideAll: () => (decided = Infinity) };
}

const placed = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ orderId: `order-${String(i).padStart(3, '0')}`, token: 'a' }));

test('orders are polled until each is final, and not those far from the end of the queue', async () => {
  const { shop, polled, decideAll } = shopThatDecides(0);
  setTimeout(decideAll, 600);
  const orders = await untilFinal(shop, placed(200).toReversed(), 5_000);
  assert.equal(orders.size, 200);
  assert.ok([...orders.values()].every(({ status }) => status === 'confirmed'));
  assert.ok(polled.length < 200 + 16 * 5, `${polled.length} polls`);
});

test('an order that is not final in time is returned as it is', async () => {
  const { shop } = shopThatDecides(0);
  const orders = await untilFinal(shop, placed(3), 300);
  assert.deepEqual(
    [...orders.values()].map(({ status }) => status),
    ['queued', 'queued', 'queued'],
  );
});

test('a shop that does not know yet is polled again', async () => {
  let polls = 0;
  const order = async (orderId: string) =>
    ++polls < 3 ? null : { orderId, status: 'rejected', createdAt: 0, decidedAt: 1 };
  const orders = await untilFinal({ order } as unknown as Shop, placed(1), 5_000);
  assert.equal(orders.get('order-000')?.status, 'rejected');
});

const skip = canMeasureCpu() ? false : 'no /proc here';
const BURN = `{ const used = () => process.cpuUsage().user + process.cpuUsage().system;
  const end = used() + 300_000; while (used() < end); }`;

test('CPU time of a process includes its children, also those that have ended', { skip }, async (t) => {
  const script = `require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(BURN)}]); ${BURN}
    console.log('burnt'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const before = cpuSeconds({ burner: child.pid ?? 0 });
  await once(child.stdout, 'data');
  const { burner = 0 } = cpuUsed(before, cpuSeconds({ burner: child.pid ?? 0 }));
  assert.ok(burner >= 0.55 && burner < 2, `${burner} s`);
});

test('a process that has ended has no figure, rather than a wrong one', { skip }, async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const roots = { brief: child.pid ?? 0, together: [process.pid, child.pid ?? 0] };
  const before = cpuSeconds(roots);
  await once(child, 'exit');
  assert.deepEqual(cpuUsed(before, cpuSeconds(roots)), {});
});

test('processes of one name are counted together', { skip }, () => {
  const [one = 0, two = 0] = Object.values(cpuSeconds({ one: process.pid, two: [process.pid, process.pid] }));
  assert.ok(one > 0);
  assert.equal(two, 2 * one);
});
