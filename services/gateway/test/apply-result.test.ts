// One result, rule by rule: what it makes of gate, view and progress.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApplyResult } from '../src/domain/apply-result.ts';
import type { Order } from '../src/domain/ports.ts';

/** The steps done with it, in order. */
async function applying(order: Partial<Order>): Promise<string[]> {
  const done: string[] = [];
  const note =
    (what: string) =>
    async (...given: unknown[]) =>
      void done.push([what, ...given.filter((it) => typeof it !== 'object')].join(' '));
  const apply = createApplyResult({
    gate: { applyConfirmed: note('confirmed'), applyEnded: note('ended'), leaveWaiting: note('left the queue') },
    views: { show: ({ status, version }) => note('shown')(status, version) },
    progress: { hasRow: () => undefined },
    shut: note('shut'),
  });
  await apply({ orderId: 'o', saleId: 's', buyerId: 'b', epoch: 3, version: 2, reason: null, ...order } as never, 7);
  return done;
}

test('a confirmed order keeps its ticket in the epoch given, an ended one gives it back, a hold leaves the queue', async () => {
  assert.deepEqual(await applying({ status: 'confirmed' }), ['confirmed s o 7', 'shown confirmed 2']);
  assert.deepEqual(await applying({ status: 'reserved' }), ['left the queue', 'shown reserved 2']);
  for (const status of ['rejected', 'expired', 'cancelled'] as const)
    assert.deepEqual(await applying({ status }), ['ended', `shown ${status} 2`]);
});

test('an order of this gate that inventory refused as sold out has the gate shut', async () => {
  const done = await applying({ status: 'rejected', reason: 'sold_out' });
  assert.deepEqual(done, ['ended', 'shown rejected 2', 'shut s 3 sold_out']);
});
