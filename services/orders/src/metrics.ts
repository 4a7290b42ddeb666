// What orders counts.
import type { OrderCommand } from '@flashsale/contracts/messages';
import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import type { Order, Patience } from './domain/order.ts';

type Fulfil = (commands: OrderCommand[], patience?: Patience) => Promise<Order[]>;

export const createMetrics = (registry: Registry) => ({
  fulfilled: new Counter({
    name: 'orders_fulfilled_total',
    help: 'Orders carried through by door and status; `placed` met an unknown and comes again.',
    labelNames: ['door', 'status'] as const,
    registers: [registry],
  }),
  batch: new Histogram({
    name: 'orders_batch_size',
    help: 'Orders brought at once through the queue.',
    buckets: [1, 5, 20, 50, 100, 200, 500],
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;

export const measured =
  ({ fulfilled, batch }: Metrics, door: 'rpc' | 'queue', fulfil: Fulfil): Fulfil =>
  async (commands, patience) => {
    if (door === 'queue') batch.observe(commands.length);
    const orders = await fulfil(commands, patience);
    for (const { status } of orders) fulfilled.inc({ door, status });
    return orders;
  };
