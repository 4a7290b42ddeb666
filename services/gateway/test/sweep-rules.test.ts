// The sweeper's rules, one by one: what it does with what it finds, and what it never does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { v7 } from 'uuid';
import { times } from '../../../infra/testbed/samples.ts';
import { createQueueProgress } from '../src/domain/queue-progress.ts';
import { createSweep, type SweepPorts } from '../src/domain/sweep.ts';
import {
  aSweep,
  DEADLINE_MS,
  direct,
  due,
  EPOCH,
  LONG_OVER,
  NOW_MS,
  queued,
  restored,
  sweeping,
} from './swept-sale.ts';

const EMPTY = [0];

test('queued and unsent: published again under its id, and marked only when the broker has it', async () => {
  const record = due(queued, 'unsent');
  assert.deepEqual(await sweeping(queued, record), [`published ${record.orderId}`, `sent ${record.orderId}`]);
  for (const published of ['returned', 'unsent', 'unknown'] as const)
    assert.deepEqual(await sweeping(queued, record, { published }), [`published ${record.orderId}`]);
  assert.deepEqual(await sweeping(queued, record, { available: false }), []);
});

test('final: its result is applied, a confirmation with the epoch of the gate it was swept at', async () => {
  for (const status of ['confirmed', 'rejected', 'expired', 'cancelled'] as const)
    for (const [sale, record] of [
      [queued, due(queued, 'sent')],
      [direct, due(direct, 'unsent')],
      [queued, restored(queued)],
    ] as const)
      assert.deepEqual(await sweeping(sale, record, { row: { status, final: true, epoch: 1 } }), [
        `applied ${status} in epoch ${EPOCH}`,
      ]);
});

test('known but not final: left alone, its row has a deadline', async () => {
  for (const status of ['placed', 'reserved', 'rejected', 'cancelled'] as const)
    for (const sale of [queued, direct])
      assert.deepEqual(await sweeping(sale, due(sale, 'sent', LONG_OVER), { row: { status, final: false } }), []);
});

test('queued, sent and without a row: it stands in the queue, so it is not published again', async () => {
  assert.deepEqual(await sweeping(queued, due(queued, 'sent')), []);
  // Empty once, between two messages, is not empty.
  assert.deepEqual(await sweeping(queued, due(queued, 'sent'), { waiting: [0, 1] }), []);
});

test('queued, sent and without a row while the queue is empty in two checks: it is published again', async () => {
  const record = due(queued, 'sent');
  const published = [`published ${record.orderId}`, `sent ${record.orderId}`];
  assert.deepEqual(await sweeping(queued, record, { waiting: EMPTY }), published);
});

test('an order that a worker takes between the two checks is not published again', async () => {
  let reads = 0;
  const row = () => (reads++ === 0 ? undefined : { status: 'placed' as const, final: false });
  assert.deepEqual(await sweeping(queued, due(queued, 'sent'), { waiting: EMPTY, row }), []);
});

test('one observation of the queue serves all orders of a sweep, so that the first does not hide the others', async () => {
  const claims = [0, 1, 2].map(() => times(500, () => due(queued, 'sent')));
  const waiting = [0, 0, 500];
  const { done, sweep, checks } = aSweep(queued, claims, { waiting });
  await sweep();
  assert.equal(done.filter((it) => it.startsWith('published')).length, 1_500);
  assert.equal(checks(), 2);
});

test('queued, sent and passed by a much later order of its sale: it is published again into any queue', async () => {
  const at = (ms: number) => v7({ msecs: NOW_MS + ms });
  const record = due(queued, 'sent', 600_000, at(0));
  const passedBy = (orderId: string, reason: 'given_up' | null = null, saleId = queued.id) => {
    const progress = createQueueProgress();
    progress.hasRow({ orderId, saleId, reason });
    return sweeping(queued, record, { progress });
  };
  assert.equal((await passedBy(at(61_000))).length, 2);
  assert.deepEqual(await passedBy(at(59_000)), []);
  assert.deepEqual(await passedBy(at(61_000), 'given_up'), [], 'an order that was given up never was in the queue');
  assert.deepEqual(await passedBy(at(61_000), null, direct.id), [], 'another sale says nothing');
});

test('queued and without a row: given up after its deadline, never before', async () => {
  for (const waiting of [[5], EMPTY]) {
    const record = due(queued, 'sent', -1);
    assert.deepEqual(await sweeping(queued, record, { waiting }), [`gave up ${record.orderId} of epoch 1`]);
  }
  assert.deepEqual(await sweeping(queued, due(queued, 'sent', 1)), []);
});

test('direct and without a row: left alone until one call’s deadline after its own, then given up', async () => {
  for (const state of ['unsent', 'sent'] as const) {
    assert.deepEqual(await sweeping(direct, due(direct, state), { waiting: EMPTY }), []);
    assert.deepEqual(await sweeping(direct, due(direct, state, -DEADLINE_MS / 2), { waiting: EMPTY }), []);
    const record = due(direct, state, LONG_OVER);
    assert.deepEqual(await sweeping(direct, record), [`gave up ${record.orderId} of epoch 1`]);
  }
});

test('while Redis’ clock is not known, nothing is given up', async () => {
  for (const sale of [queued, direct])
    assert.deepEqual(await sweeping(sale, due(sale, 'sent', LONG_OVER), { nowMs: undefined }), []);
});

test('a restored record that orders does not know is given up, in the epoch of its gate', async () => {
  for (const sale of [queued, direct]) {
    const record = restored(sale);
    assert.deepEqual(await sweeping(sale, record), [`gave up ${record.orderId} of epoch ${EPOCH}`]);
  }
});

test('a tombstone gives nothing back by itself, only once it is final; a row that came meanwhile counts as it is', async () => {
  const record = due(direct, 'unsent', LONG_OVER);
  for (const status of ['placed', 'reserved', 'cancelled', 'rejected'] as const)
    assert.equal((await sweeping(direct, record, { found: { status, final: false } })).length, 1);
  for (const status of ['confirmed', 'rejected', 'cancelled'] as const)
    assert.deepEqual((await sweeping(direct, record, { found: { status, final: true } })).slice(1), [
      `applied ${status} in epoch ${EPOCH}`,
    ]);
});

test('a sweep goes on until fewer are due than it claims at once', async () => {
  const many = () => times(500, () => due(queued, 'sent'));
  const { requested, sweep } = aSweep(queued, [many(), many(), [due(queued, 'sent')], many()], {
    row: { status: 'placed', final: false },
  });
  await sweep();
  assert.deepEqual(
    requested.map(({ length }) => length),
    [500, 500, 1],
  );
});

test('a result that cannot be applied is reported, and keeps no other from being applied', async () => {
  const records = [due(queued, 'sent', 1, 'bad'), due(queued, 'sent')];
  const { done, warned, sweep } = aSweep(queued, [records], { row: { status: 'rejected', final: true } });
  await sweep();
  assert.deepEqual([done, warned], [[`applied rejected in epoch ${EPOCH}`], ['bad']]);
});

test('a sale that cannot be swept keeps no other from being swept', async () => {
  const warned: string[] = [];
  const claimed: string[] = [];
  const ports = {
    gate: {
      async claim(saleId: string) {
        if (saleId === queued.id) throw new Error('WRONGTYPE');
        claimed.push(saleId);
        return { epoch: 1, records: [] };
      },
    },
    progress: createQueueProgress(),
    swept: () => undefined,
    warnOfSale: (id: string) => warned.push(id),
  };
  await createSweep(ports as unknown as SweepPorts)([queued, direct]);
  assert.deepEqual([warned, claimed], [[queued.id], [direct.id]]);
});

test('a sale that takes long is not swept twice at once, and keeps no other waiting for ever', async () => {
  const claims = new Map<string, number>();
  const { promise: stuck, resolve: free } = Promise.withResolvers<void>();
  const ports = {
    gate: {
      async claim(saleId: string) {
        claims.set(saleId, (claims.get(saleId) ?? 0) + 1);
        if (saleId === queued.id) await stuck;
        return { epoch: 1, records: [] };
      },
    },
    progress: createQueueProgress(),
    swept: () => undefined,
    warnOfSale: assert.fail,
  };
  const sweep = createSweep(ports as unknown as SweepPorts, 10);
  await sweep([queued, direct]);
  await sweep([queued, direct]);
  assert.deepEqual([claims.get(queued.id), claims.get(direct.id)], [1, 2]);
  free();
});
