// The limiter before a simulated bank, on a simulated clock: no test here takes real time or depends on any speed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../../../infra/testbed/samples.ts';
import { type ConcurrencyLimit, createConcurrencyLimit } from '../src/domain/concurrency-limit.ts';

const TIMEOUT_MS = 10_000;
const RETRY_MS = [1_000, 5_000, 30_000];
const PREFETCH = 1_000;

interface Bank {
  perSecond: number;
  latencyMs: number;
  /** This share of the charges has its answer `lateMs` later. */
  lateShare: number;
  lateMs: number;
}

/** Milliseconds that pass only when everything due in them is done. */
function simulatedClock() {
  const due = new Map<number, (() => void)[]>();
  let nowMs = 0;
  return {
    now: () => nowMs,
    in(ms: number, act: () => void) {
      const at = Math.round(nowMs + Math.max(1, ms));
      due.set(at, [...(due.get(at) ?? []), act]);
    },
    runUntil(atMs: number, finished = () => false) {
      for (; nowMs < atMs && !finished(); nowMs += 1) {
        for (const act of due.get(nowMs) ?? []) act();
        due.delete(nowMs);
      }
      return nowMs;
    },
  };
}

/** One charge after the other, each key once; repeated, it responds when the first call would have had its answer. */
function simulatedBank(clock: ReturnType<typeof simulatedClock>, knobs: Bank) {
  const respondsAt = new Map<number, number>();
  let freeAt = 0;
  let hangs = false;
  let received = 0;
  return {
    hang: (on: boolean) => {
      hangs = on;
    },
    received: () => received,
    charge(key: number, respond: () => void) {
      received += 1;
      if (hangs) return;
      if (!respondsAt.has(key)) {
        freeAt = Math.max(freeAt, clock.now()) + 1_000 / knobs.perSecond;
        const late = key % Math.round(1 / knobs.lateShare) === 0 ? knobs.lateMs : 0;
        respondsAt.set(key, freeAt + knobs.latencyMs + late);
      }
      clock.in((respondsAt.get(key) as number) - clock.now(), respond);
    },
  };
}

const A_BANK: Bank = { perSecond: 400, latencyMs: 50, lateShare: 1e-9, lateMs: 0 };

/** A queue of so many payments, their retry steps, and one worker, which takes as many at once as its limit says. */
function simulate(orders: number, knobs: Partial<Bank> = {}, fixed?: number) {
  const clock = simulatedClock();
  const bank = simulatedBank(clock, { ...A_BANK, ...knobs });
  const limit: ConcurrencyLimit = createConcurrencyLimit(clock.now);
  const waiting = times(orders, (i) => ({ key: i + 1, attempt: 0 }));
  let [atWork, decided, deliveries, lowest, highest] = [0, 0, 0, 1_000, 0];

  function pump() {
    const current = fixed ?? limit.current();
    [lowest, highest] = [Math.min(lowest, current), Math.max(highest, current)];
    while (waiting.length > 0 && atWork < Math.min(current, PREFETCH)) pay(waiting.shift() as (typeof waiting)[number]);
  }
  function pay({ key, attempt }: { key: number; attempt: number }) {
    let open = true;
    atWork += 1;
    deliveries += 1;
    function end(count: () => void) {
      open = false;
      atWork -= 1;
      count();
      pump();
    }
    bank.charge(key, () => {
      if (!open) return;
      decided += 1;
      end(limit.responded);
    });
    clock.in(TIMEOUT_MS, () => {
      if (!open) return;
      clock.in(RETRY_MS[Math.min(attempt, 2)] as number, () => {
        waiting.push({ key, attempt: attempt + 1 });
        pump();
      });
      end(limit.timedOut);
    });
  }
  pump();
  const runUntil = (atMs: number) => clock.runUntil(atMs, () => decided === orders);
  return {
    bank,
    limit,
    runUntil,
    /** Decided in each second from now until then. */
    rateUntil(atMs: number) {
      const [before, sinceMs] = [decided, clock.now()];
      runUntil(atMs);
      return ((decided - before) * 1_000) / (clock.now() - sinceMs);
    },
    deliveriesOfEach: () => deliveries / orders,
    atWork: () => atWork,
    lowest: () => lowest,
    highest: () => highest,
  };
}

const FOR_EVER = 10_000_000;

test('a bank of 20 a second with 3,000 payments due gets about one call for each, and is never idle', () => {
  const { rateUntil, deliveriesOfEach } = simulate(3_000, { perSecond: 20 });
  const rate = rateUntil(FOR_EVER);
  assert.ok(rate >= 0.95 * 20, `${rate} a second`);
  assert.ok(deliveriesOfEach() <= 1.2, `${deliveriesOfEach()} deliveries for each`);
});

test('the simulation shows it: with a fixed 1,000 at once, each of these is delivered more than three times', () => {
  const { runUntil, deliveriesOfEach } = simulate(3_000, { perSecond: 20 }, 1_000);
  runUntil(FOR_EVER);
  assert.ok(deliveriesOfEach() > 3, `${deliveriesOfEach()} deliveries for each`);
});

test('a bank of 400 a second that is a minute late with one charge in a hundred keeps nine tenths of its rate', () => {
  const { runUntil, rateUntil, lowest } = simulate(40_000, { lateShare: 0.01, lateMs: 60_000 });
  assert.ok(rateUntil(10_000) >= 0.9 * 400, 'from the first second on');
  runUntil(20_000);
  const rate = rateUntil(80_000);
  assert.ok(rate >= 0.9 * 400, `${rate} a second`);
  assert.equal(lowest(), 20);
});

test('a bank that hangs gets one payment at a time, and has its rate back once it responds', () => {
  const { bank, runUntil, rateUntil, atWork } = simulate(40_000);
  runUntil(5_000);
  bank.hang(true);
  runUntil(25_000);
  assert.equal(atWork(), 1);
  const before = bank.received();
  runUntil(65_000);
  assert.ok(bank.received() - before <= 5, 'a probe each time the last one has timed out');
  bank.hang(false);
  runUntil(80_000);
  const rate = rateUntil(100_000);
  assert.ok(rate >= 0.95 * 400, `${rate} a second`);
});

test('20 at first, never fewer while the bank is only slow, and never more than 1,000', () => {
  const slow = simulate(50, { perSecond: 5 });
  slow.runUntil(FOR_EVER);
  assert.deepEqual([slow.lowest(), slow.deliveriesOfEach()], [20, 1]);
  const quick = simulate(20_000, { perSecond: 4_000 });
  quick.runUntil(FOR_EVER);
  assert.deepEqual([quick.lowest(), quick.highest()], [20, 1_000]);
});

test('a late charge now and then lowers nothing', () => {
  const { runUntil, lowest } = simulate(400, { perSecond: 8, lateShare: 0.02, lateMs: 60_000 });
  runUntil(45_000);
  assert.equal(lowest(), 20);
});

test('after two quiet seconds the bank has to show its speed again', () => {
  let now = 0;
  const limit = createConcurrencyLimit(() => now);
  for (; now < 3_000; now += 10) limit.responded();
  assert.equal(limit.current(), 200);
  now += 2_000;
  assert.equal(limit.current(), 20);
  limit.responded();
  assert.equal(limit.current(), 21);
});
