// A sale as a gateway sweeps it: gate, queue and orders by functions, and what was done, in order.
import assert from 'node:assert/strict';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import { v7 } from 'uuid';
import type { DueRecord, Order } from '../src/domain/ports.ts';
import { createQueueProgress } from '../src/domain/queue-progress.ts';
import type { Sale } from '../src/domain/sale.ts';
import { createSweep, type SweepPorts } from '../src/domain/sweep.ts';
import { aSale } from './gates.ts';

export const DEADLINE_MS = 1_000;
export const NOW_MS = 1_800_000_000_000;
export const EPOCH = 4;
const LONG_MS = 60_000;

interface Given {
  published?: 'confirmed' | 'returned' | 'unsent' | 'unknown';
  available?: boolean;
  /** The row that orders has; a function is called for each query. */
  row?: Partial<Order> | (() => Partial<Order> | undefined);
  /** The order that GiveUp finds or makes. */
  found?: Partial<Order>;
  /** Messages in the queue, count by count; the last one stays. */
  waiting?: number[];
  nowMs?: undefined;
  progress?: ReturnType<typeof createQueueProgress>;
}

export function aSweep(sale: Sale, claims: DueRecord[][], given: Given = {}) {
  const done: string[] = [];
  const warned: string[] = [];
  const requested: string[][] = [];
  const waiting = [...(given.waiting ?? [1])];
  let checks = 0;
  const orderOf = (orderId: string, order: Partial<Order>) =>
    ({ orderId, saleId: sale.id, reason: null, ...order }) as Order;
  const rowOf = () => (typeof given.row === 'function' ? given.row() : given.row);
  const ports = {
    gate: {
      claim: async () => ({ epoch: EPOCH, records: claims.shift() ?? [] }),
      markSent: async ({ orderId }: { orderId: string }) => done.push(`sent ${orderId}`),
    },
    queue: {
      available: () => given.available ?? true,
      async publish(command: OrderCommand) {
        done.push(`published ${command.orderId}`);
        return given.published ?? 'confirmed';
      },
      async waiting() {
        checks += 1;
        return waiting.length > 1 ? waiting.shift() : waiting[0];
      },
    },
    orders: {
      place: async () => assert.fail('an order is never placed a second time'),
      async get(ids: string[]) {
        requested.push(ids);
        const row = rowOf();
        return new Map(row ? ids.map((id) => [id, orderOf(id, row)]) : []);
      },
      async giveUp({ orderId, epoch }: OrderCommand) {
        done.push(`gave up ${orderId} of epoch ${epoch}`);
        return orderOf(orderId, given.found ?? { status: 'cancelled', final: false });
      },
    },
    clock: { nowMs: () => ('nowMs' in given ? given.nowMs : NOW_MS) },
    progress: given.progress ?? createQueueProgress(),
    applyResult: async ({ status, orderId }: Order, epoch: number) => {
      if (orderId.endsWith('bad')) throw new Error('cannot be applied');
      done.push(`applied ${status} in epoch ${epoch}`);
    },
    directDeadlineMs: DEADLINE_MS,
    swept: () => undefined,
    warn: (id: string) => warned.push(id),
  };
  const sweep = createSweep(ports as unknown as SweepPorts, LONG_MS);
  return { done, warned, requested, sweep: () => sweep([sale]), checks: () => checks };
}

/** One sweep over one record; what it did, in order. */
export async function sweeping(sale: Sale, record: DueRecord, given: Given = {}): Promise<string[]> {
  const { done, sweep } = aSweep(sale, [[record]], given);
  await sweep();
  return done;
}

export const [queued, direct] = [aSale(1, { mode: 'queued' }), aSale(1, { mode: 'direct' })];
type Due = DueRecord & { command: OrderCommand };
export function due(sale: Sale, state: DueRecord['state'], leftMs = 600_000, orderId: string = v7()): Due {
  const { mode, id: saleId, epoch } = sale;
  const order = { orderId, buyerId: 'alice', quantity: 1 };
  const command = { ...order, ...choiceOf(order), saleId, epoch, mode, deadlineMs: NOW_MS + leftMs };
  return { ...order, state, command };
}
export function restored(sale: Sale): DueRecord {
  const { command: _, ...record } = due(sale, 'sent');
  return record;
}
export const LONG_OVER = -10 * DEADLINE_MS;
