// Repeats of one order, rule by rule: they share one poll, which slows down and stops with its last client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceOf } from '@flashsale/contracts/messages';
import { times } from '../../../infra/testbed/samples.ts';
import { UNDECIDED } from '../src/domain/order-view.ts';
import type { Order } from '../src/domain/ports.ts';
import { createRepeatOrder, type RepeatPorts } from '../src/domain/repeat-order.ts';
import { aSale } from './gates.ts';

const FIRST = { orderId: 'first', ...choiceOf({ quantity: 1 }) };
const ROW = {
  ...{ ...UNDECIDED, ...FIRST, saleId: 'sale', buyerId: 'alice', epoch: 1, version: 2 },
  ...{ status: 'reserved', deadlineMs: 9, final: false, payRequested: false },
} as Order;

function repeating(
  own: Partial<Record<'row' | 'state' | 'absent' | 'first' | 'position', unknown>> = {},
  respondsWithinMs = 5_000,
) {
  const counts = { reads: 0, givenUp: 0 };
  const given = { ...own };
  const ports = {
    gate: {
      stateOf: async () => given.state ?? null,
      recall: async () => ('first' in given ? given.first : FIRST),
      absent: async () => given.absent ?? false,
      orderOf: async () => null,
      position: async () => given.position ?? null,
    },
    orders: {
      async get() {
        counts.reads += 1;
        return new Map(given.row ? [['first', given.row]] : []);
      },
      async giveUp() {
        counts.givenUp += 1;
        return { ...ROW, status: 'cancelled', reason: 'given_up' };
      },
    },
    clock: { nowMs: () => 0 },
    estimate: { waitMs: (_saleId: string, position: number) => position * 10 },
    respondsWithinMs: { queued: respondsWithinMs, direct: respondsWithinMs },
  } as unknown as RepeatPorts;
  const repeatOrder = createRepeatOrder(ports);
  const repeat = (signal = new AbortController().signal, mode: 'queued' | 'direct' = 'queued', quantity = 1) => {
    const sale = aSale(1, { mode, checkout: 'hold', holdSeconds: 60 });
    return repeatOrder(sale, FIRST, {
      buyerId: 'alice',
      ...choiceOf({ quantity }),
      idempotencyKey: 'k',
      whenGone: () => signal,
    });
  };
  return { given, counts, repeat };
}

test('fifty repeats of an order that is on its way are one poll, and all get its outcome', async () => {
  const { given, counts, repeat } = repeating({ state: 'unsent' });
  const repeats = times(50, () => repeat());
  setTimeout(() => {
    given.state = 'sent';
  }, 300);
  for (const outcome of await Promise.all(repeats)) assert.deepEqual(outcome, { kind: 'queued', orderId: 'first' });
  assert.ok(counts.reads <= 5, `${counts.reads} reads`);
});

test('a poll slows down: it reads six times within three seconds, not thirty', async () => {
  const { counts, repeat } = repeating({ state: 'unsent' }, 2_900);
  assert.equal((await repeat()).kind, 'unknown');
  assert.ok(counts.reads <= 7, `${counts.reads} reads`);
});

test('a poll stops when its last client has gone, and not before', async () => {
  const { counts, repeat } = repeating({ state: 'unsent' }, 60_000);
  const [one, other] = [new AbortController(), new AbortController()];
  const outcomes = [repeat(one.signal), repeat(other.signal)];
  one.abort();
  assert.equal(await Promise.race([outcomes[0], 'goes on']), 'goes on');
  other.abort();
  for (const outcome of await Promise.all(outcomes)) assert.equal(outcome.kind, 'unknown');
  assert.equal(counts.givenUp, 0);
});

test('the outcome of a direct hold is given again as it was, also while it is being paid', async () => {
  for (const payRequested of [false, true]) {
    const { repeat } = repeating({ row: { ...ROW, payRequested } });
    assert.equal((await repeat(undefined, 'direct')).kind, 'reserved');
  }
});

test('a repeat of a waiting order has the estimated wait of its place', async () => {
  assert.deepEqual(await repeating({ state: 'sent', position: 500 }).repeat(), {
    ...{ kind: 'queued', orderId: 'first', waitMs: 5_000 },
  });
});

test('another quantity is another body, and a key that was given back is busy', async () => {
  assert.deepEqual(await repeating().repeat(undefined, 'queued', 2), { kind: 'key-reused', orderId: 'first' });
  assert.deepEqual(await repeating({ first: null }).repeat(), { kind: 'busy' });
});

test('an order is given up only if a valid gate never admitted it; else its outcome is unknown', async () => {
  const lost = repeating({ absent: true }, 0);
  const outcome = await lost.repeat();
  assert.deepEqual([outcome.kind, lost.counts.givenUp], ['rejected', 1]);
  const unsure = repeating({ absent: false }, 0);
  assert.deepEqual(await unsure.repeat(), { kind: 'unknown', orderId: 'first', epoch: 0 });
  assert.equal(unsure.counts.givenUp, 0);
});
