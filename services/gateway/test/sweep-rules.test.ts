// The sweeper's rules, one by one: what it does with what it is told, and what it never does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import { v7 } from 'uuid';
import { createApplyResult } from '../src/domain/apply-result.ts';
import type { DueRecord, Order } from '../src/domain/ports.ts';
import { createQueueProgress } from '../src/domain/queue-progress.ts';
import type { Sale } from '../src/domain/sale.ts';
import { createSweep, type SweepPorts } from '../src/domain/sweep.ts';
import { aSale } from './gates.ts';

const DEADLINE_MS = 1_000;
const NOW_MS = 1_800_000_000_000;
const EPOCH = 4;
const LONG_MS = 60_000;

interface World {
  published?: 'confirmed' | 'returned' | 'unsent' | 'unknown';
  available?: boolean;
  /** What orders has a row of, by order; a function is called for each question. */
  row?: Partial<Order> | (() => Partial<Order> | undefined);
  /** What GiveUp finds or makes. */
  given?: Partial<Order>;
  /** Messages in the queue, look by look; the last one stays. */
  waiting?: number[];
  nowMs?: undefined;
  progress?: ReturnType<typeof createQueueProgress>;
}

function aSweep(sale: Sale, claims: DueRecord[][], world: World = {}) {
  const done: string[] = [];
  const warned: string[] = [];
  const asked: string[][] = [];
  const waiting = [...(world.waiting ?? [1])];
  let looks = 0;
  const answer = (orderId: string, order: Partial<Order>) =>
    ({ orderId, saleId: sale.id, reason: null, ...order }) as Order;
  const rowOf = () => (typeof world.row === 'function' ? world.row() : world.row);
  const ports = {
    gate: {
      claim: async () => ({ epoch: EPOCH, records: claims.shift() ?? [] }),
      markSent: async ({ orderId }: { orderId: string }) => done.push(`sent ${orderId}`),
    },
    queue: {
      available: () => world.available ?? true,
      async publish(command: OrderCommand) {
        done.push(`published ${command.orderId}`);
        return world.published ?? 'confirmed';
      },
      async waiting() {
        looks += 1;
        return waiting.length > 1 ? waiting.shift() : waiting[0];
      },
    },
    orders: {
      place: async () => assert.fail('an order is never placed a second time'),
      async get(ids: string[]) {
        asked.push(ids);
        const row = rowOf();
        return new Map(row ? ids.map((id) => [id, answer(id, row)]) : []);
      },
      async giveUp({ orderId, epoch }: OrderCommand) {
        done.push(`gave up ${orderId} of epoch ${epoch}`);
        return answer(orderId, world.given ?? { status: 'cancelled', final: false });
      },
    },
    clock: { nowMs: () => ('nowMs' in world ? world.nowMs : NOW_MS) },
    progress: world.progress ?? createQueueProgress(),
    applyResult: async ({ status, orderId }: Order, epoch: number) => {
      if (orderId.endsWith('bad')) throw new Error('cannot be applied');
      done.push(`applied ${status} in epoch ${epoch}`);
    },
    directDeadlineMs: DEADLINE_MS,
    swept: () => undefined,
    warn: (id: string) => warned.push(id),
  };
  const sweep = createSweep(ports as unknown as SweepPorts, LONG_MS);
  return { done, warned, asked, sweep: () => sweep([sale]), looks: () => looks };
}

/** One round over one record; answers what it did, in order. */
async function sweeping(sale: Sale, record: DueRecord, world: World = {}): Promise<string[]> {
  const { done, sweep } = aSweep(sale, [[record]], world);
  await sweep();
  return done;
}

const [queued, direct] = [aSale(1, { mode: 'queued' }), aSale(1, { mode: 'direct' })];
type Due = DueRecord & { command: OrderCommand };
function due(sale: Sale, state: DueRecord['state'], leftMs = 600_000, orderId: string = v7()): Due {
  const { mode, id: saleId, epoch } = sale;
  const order = { orderId, buyerId: 'alice', quantity: 1 };
  return {
    ...order,
    state,
    command: { ...order, ...choiceOf(order), saleId, epoch, mode, deadlineMs: NOW_MS + leftMs },
  };
}
function restored(sale: Sale): DueRecord {
  const { command: _, ...record } = due(sale, 'sent');
  return record;
}
const LONG_OVER = -10 * DEADLINE_MS;
const EMPTY = [0];

test('queued and unsent: published again under its id, and marked only when the broker has it', async () => {
  const record = due(queued, 'unsent');
  assert.deepEqual(await sweeping(queued, record), [`published ${record.orderId}`, `sent ${record.orderId}`]);
  for (const published of ['returned', 'unsent', 'unknown'] as const)
    assert.deepEqual(await sweeping(queued, record, { published }), [`published ${record.orderId}`]);
  assert.deepEqual(await sweeping(queued, record, { available: false }), []);
});

test('final: its result is applied, a confirmation with the epoch of the gate that asked', async () => {
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

test('queued, sent and without a row while the queue is empty in two looks: it is published again', async () => {
  const record = due(queued, 'sent');
  const published = [`published ${record.orderId}`, `sent ${record.orderId}`];
  assert.deepEqual(await sweeping(queued, record, { waiting: EMPTY }), published);
});

test('an order that a worker takes between the two looks is not published again', async () => {
  let questions = 0;
  const row = () => (questions++ === 0 ? undefined : { status: 'placed' as const, final: false });
  assert.deepEqual(await sweeping(queued, due(queued, 'sent'), { waiting: EMPTY, row }), []);
});

test('one observation of the queue serves all orders of a round, so that the first does not hide the others', async () => {
  const claims = [0, 1, 2].map(() => Array.from({ length: 500 }, () => due(queued, 'sent')));
  const waiting = [0, 0, 500];
  const { done, sweep, looks } = aSweep(queued, claims, { waiting });
  await sweep();
  assert.equal(done.filter((it) => it.startsWith('published')).length, 1_500);
  assert.equal(looks(), 2);
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
    assert.equal((await sweeping(direct, record, { given: { status, final: false } })).length, 1);
  for (const status of ['confirmed', 'rejected', 'cancelled'] as const)
    assert.deepEqual((await sweeping(direct, record, { given: { status, final: true } })).slice(1), [
      `applied ${status} in epoch ${EPOCH}`,
    ]);
});

test('a round goes on until fewer are due than it claims at once', async () => {
  const many = () => Array.from({ length: 500 }, () => due(queued, 'sent'));
  const { asked, sweep } = aSweep(queued, [many(), many(), [due(queued, 'sent')], many()], {
    row: { status: 'placed', final: false },
  });
  await sweep();
  assert.deepEqual(
    asked.map(({ length }) => length),
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
    warn: (id: string) => warned.push(id),
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
    warn: assert.fail,
  };
  const sweep = createSweep(ports as unknown as SweepPorts, 10);
  await sweep([queued, direct]);
  await sweep([queued, direct]);
  assert.deepEqual([claims.get(queued.id), claims.get(direct.id)], [1, 2]);
  free();
});

/** What one result makes of gate, view and progress. */
async function applying(order: Partial<Order>): Promise<string[]> {
  const done: string[] = [];
  const note =
    (what: string) =>
    async (...given: unknown[]) =>
      void done.push([what, ...given.filter((it) => typeof it !== 'object')].join(' '));
  const apply = createApplyResult({
    gate: { applyConfirmed: note('confirmed'), applyEnded: note('ended'), leaveWaiting: note('left the line') },
    views: { show: ({ status, version }) => note('shown')(status, version) },
    progress: { hasRow: () => undefined },
    shut: note('shut'),
  });
  await apply({ orderId: 'o', saleId: 's', buyerId: 'b', epoch: 3, version: 2, reason: null, ...order } as never, 7);
  return done;
}

test('a confirmed order keeps its ticket in the epoch given, an ended one gives it back, a hold leaves the line', async () => {
  assert.deepEqual(await applying({ status: 'confirmed' }), ['confirmed s o 7', 'shown confirmed 2']);
  assert.deepEqual(await applying({ status: 'reserved' }), ['left the line', 'shown reserved 2']);
  for (const status of ['rejected', 'expired', 'cancelled'] as const)
    assert.deepEqual(await applying({ status }), ['ended', `shown ${status} 2`]);
});

test('an order of this gate that inventory refused as sold out has the gate shut', async () => {
  const done = await applying({ status: 'rejected', reason: 'sold_out' });
  assert.deepEqual(done, ['ended', 'shown rejected 2', 'shut s 3 sold_out']);
});
