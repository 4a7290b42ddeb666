// How fast a line moves, as far as it is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOrder } from '../src/domain/find-order.ts';
import { UNDECIDED } from '../src/domain/order-view.ts';
import { createPace } from '../src/domain/pace.ts';
import type { Gate, Orders, OrderViews } from '../src/domain/ports.ts';

function clock() {
  let ms = 0;
  return { now: () => ms, pass: (passed: number) => (ms += passed) };
}

/** So many results of that sale, evenly. */
function steadily(pace: ReturnType<typeof createPace>, time: ReturnType<typeof clock>, perSecond: number, ms: number) {
  for (let passed = 0; passed < ms; passed += 1_000 / perSecond) {
    pace.count('sale');
    time.pass(1_000 / perSecond);
  }
}

test('the pace of a line that moves evenly is what it moves by, after a second and after a minute', () => {
  for (const ms of [1_000, 4_000, 7_500, 60_000]) {
    const time = clock();
    const pace = createPace(time.now);
    steadily(pace, time, 100, ms);
    const measured = pace.perSecond('sale') ?? 0;
    assert.ok(Math.abs(measured - 100) < 5, `${measured} after ${ms} ms`);
  }
});

test('the pace of a line that moves in bursts is what it moves by from burst to burst, however long it is silent since', () => {
  const time = clock();
  const pace = createPace(time.now);
  for (let burst = 0; burst < 4; burst += 1) {
    for (let i = 0; i < 200; i += 1) pace.count('sale');
    if (burst === 0) assert.equal(pace.perSecond('sale'), undefined, 'one burst says nothing');
    for (const passed of [100, 4_900, 5_000]) {
      time.pass(passed);
      const perSecond = pace.perSecond('sale');
      if (burst > 0) assert.ok(Math.abs((perSecond ?? 0) - 20) < 0.1, `${perSecond}`);
    }
  }
});

test('nobody knows the pace of a line that does not move, or no more, and each sale has its own', () => {
  const time = clock();
  const pace = createPace(time.now);
  assert.equal(pace.perSecond('sale'), undefined);
  steadily(pace, time, 10, 6_000);
  assert.equal(pace.perSecond('another'), undefined);
  time.pass(31_000);
  assert.equal(pace.perSecond('sale'), undefined);
});

test('a place in line comes with an estimate: the orders before it and itself, at the pace of the line', async () => {
  const time = clock();
  const pace = createPace(time.now);
  const view = { ...UNDECIDED, orderId: 'x', saleId: 'sale', buyerId: 'alice', quantity: 1, status: 'queued' as const };
  const ports = {
    pace,
    gate: { position: async () => 50 } as unknown as Gate,
    views: { find: async () => view } as unknown as OrderViews,
    orders: {} as Orders,
  };
  const asked = { orderId: 'x', buyerId: 'alice', mintedAtMs: Date.now() };
  assert.deepEqual((await findOrder(asked, ports))?.line, { position: 50, waitMs: null });
  steadily(pace, time, 25, 5_000);
  const { position, waitMs } = (await findOrder(asked, ports))?.line ?? {};
  assert.equal(position, 50);
  assert.ok(Math.abs((waitMs ?? 0) - 2_000) < 100, `${waitMs} ms`);
});
