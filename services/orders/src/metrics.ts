// What orders counts.
import { Counter, Histogram, type Registry } from '@prometheus-io/client';

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
