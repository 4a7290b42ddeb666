// The sweeper's rules, one by one: what it does with what it is told, and what it never does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { DueRecord, OrderAnswer } from '../src/domain/ports.ts';
import type { Sale } from '../src/domain/sale.ts';
import { type SweepPorts, sweep } from '../src/domain/sweep.ts';
import { anOrder, aSale } from './gates.ts';

const DEADLINE_MS = 1_000;
const EPOCH = 4;

interface World {
  published?: 'confirmed' | 'returned' | 'unsent' | 'unknown';
  available?: boolean;
  /** What orders has a row of. */
  row?: Partial<OrderAnswer>;
  /** What CancelOrder finds or makes. */
  cancelled?: Partial<OrderAnswer>;
}

/** One round over one record; answers what it did, in order. */
async function sweeping(sale: Sale, record: DueRecord, world: World = {}): Promise<string[]> {
  const done: string[] = [];
  const answer = (order: Partial<OrderAnswer>) => ({ orderId: record.orderId, ...order }) as OrderAnswer;
  const ports = {
    gate: {
      claim: async () => ({ epoch: EPOCH, records: [record] }),
      markSent: async ({ orderId }: { orderId: string }) => done.push(`sent ${orderId}`),
    },
    queue: {
      available: () => world.available ?? true,
      publish: async (command: OrderCommand) => {
        done.push(`published ${command.orderId}`);
        return world.published ?? 'confirmed';
      },
    },
    orders: {
      place: async () => assert.fail('an order is never placed a second time'),
      get: async (ids: string[]) => new Map(world.row ? ids.map((id) => [id, answer(world.row as object)]) : []),
      cancel: async ({ orderId, epoch }: OrderCommand) => {
        done.push(`cancelled ${orderId} of epoch ${epoch}`);
        return answer(world.cancelled ?? { status: 'cancelled', settled: true });
      },
    },
    settle: async ({ status }: OrderAnswer, epoch: number) => done.push(`settled ${status} in epoch ${epoch}`),
    directDeadlineMs: DEADLINE_MS,
  };
  await sweep(sale, ports as unknown as SweepPorts);
  return done;
}

const [queued, direct] = [aSale(1, { mode: 'queued' }), aSale(1, { mode: 'direct' })];
function due(sale: Sale, state: DueRecord['state'], decideInMs = 600_000) {
  const command = { ...anOrder(sale, 'alice'), decideByMs: Date.now() + decideInMs };
  const { orderId, buyerId, quantity } = command;
  return { orderId, buyerId, quantity, state, command };
}
const restored = (sale: Sale): DueRecord => {
  const { command: _, ...record } = due(sale, 'sent');
  return record;
};
const LONG_OVER = -10 * DEADLINE_MS;

test('queued and unsent: sent again under its id, and marked only when the broker has it', async () => {
  const record = due(queued, 'unsent');
  assert.deepEqual(await sweeping(queued, record), [`published ${record.orderId}`, `sent ${record.orderId}`]);
  for (const published of ['returned', 'unsent', 'unknown'] as const)
    assert.deepEqual(await sweeping(queued, record, { published }), [`published ${record.orderId}`]);
  assert.deepEqual(await sweeping(queued, record, { available: false }), []);
});

test('sent and settled: settled here, a confirmation with the epoch of the gate that asked', async () => {
  for (const status of ['confirmed', 'rejected', 'expired', 'cancelled'] as const)
    for (const record of [due(queued, 'sent'), due(direct, 'unsent'), restored(queued)])
      assert.deepEqual(
        await sweeping(record.command?.saleId === direct.id ? direct : queued, record, {
          row: { status, settled: true, epoch: 1 },
        }),
        [`settled ${status} in epoch ${EPOCH}`],
      );
});

test('known but not settled: left alone, orders finishes it', async () => {
  for (const status of ['placed', 'held', 'confirmed', 'rejected', 'cancelled'] as const)
    for (const sale of [queued, direct])
      assert.deepEqual(await sweeping(sale, due(sale, 'sent', LONG_OVER), { row: { status, settled: false } }), []);
});

test('queued, sent and not found: sent again, never given up', async () => {
  const record = due(queued, 'sent', LONG_OVER);
  assert.deepEqual(await sweeping(queued, record), [`published ${record.orderId}`, `sent ${record.orderId}`]);
});

test('direct and not found: left alone until twice its deadline has passed, then ended by tombstone', async () => {
  for (const state of ['unsent', 'sent'] as const) {
    assert.deepEqual(await sweeping(direct, due(direct, state)), []);
    assert.deepEqual(await sweeping(direct, due(direct, state, -DEADLINE_MS / 2)), []);
    const record = due(direct, state, LONG_OVER);
    const tombstone = `cancelled ${record.orderId} of epoch ${record.command.epoch}`;
    assert.deepEqual(await sweeping(direct, record), [tombstone, `settled cancelled in epoch ${EPOCH}`]);
  }
});

test('a restored record that orders does not know is ended by tombstone, in the epoch of its gate', async () => {
  for (const sale of [queued, direct]) {
    const record = restored(sale);
    const tombstone = `cancelled ${record.orderId} of epoch ${EPOCH}`;
    assert.deepEqual(await sweeping(sale, record), [tombstone, `settled cancelled in epoch ${EPOCH}`]);
  }
});

test('an order whose row came meanwhile is not given up: its own end settles it', async () => {
  for (const status of ['placed', 'held', 'confirmed', 'rejected', 'expired'] as const)
    for (const settled of [true, false]) {
      const record = due(direct, 'unsent', LONG_OVER);
      const done = await sweeping(direct, record, { cancelled: { status, settled } });
      assert.deepEqual(done.slice(1), []);
    }
  const open = await sweeping(direct, due(direct, 'unsent', LONG_OVER), {
    cancelled: { status: 'cancelled', settled: false },
  });
  assert.deepEqual(open.slice(1), []);
});
