// The metrics of orders.
import { Counter, Histogram, type Registry } from '@prometheus-io/client';

export const createMetrics = (registry: Registry) => ({
  decided: new Counter({
    name: 'orders_decided_total',
    help: 'Orders by mode, status and reason, counted when the statement that decides them has committed.',
    labelNames: ['mode', 'status', 'reason'] as const,
    registers: [registry],
  }),
  clickToDecision: new Histogram({
    name: 'orders_click_to_decision_seconds',
    help: 'Time from the click, which is part of the order id, to the decision.',
    labelNames: ['mode', 'status'] as const,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600],
    registers: [registry],
  }),
  batchSize: new Histogram({
    name: 'orders_batch_size',
    help: 'Orders in one batch of stage 1.',
    buckets: [1, 5, 20, 50, 100, 200, 500],
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;
