// The metrics of orders. Series with labels exist from the start, so that a rate sees their first event, too.
import { cancelReason, Mode } from '@flashsale/contracts/fields';
import { FINAL_STATUSES, type FinalStatus, type Reason, Refusal } from '@flashsale/contracts/messages';
import { Counter, Histogram, type Registry } from '@prometheus-io/client';

const REASONS: Record<FinalStatus, (Reason | '')[]> = {
  confirmed: [''],
  rejected: [...Refusal.options, 'duplicate', 'declined', 'timed_out'],
  expired: [''],
  cancelled: cancelReason.words,
};

const declare = (registry: Registry) => ({
  decided: new Counter({
    name: 'orders_decided_total',
    help: 'Orders by mode, status and reason, counted when the statement that decides them has committed.',
    labelNames: ['mode', 'status', 'reason'] as const,
    registers: [registry],
  }),
  clickToFinal: new Histogram({
    name: 'orders_click_to_final_seconds',
    help: 'Time from the click, which is part of the order id, to the final result; each order is observed once.',
    labelNames: ['mode', 'status'] as const,
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 600],
    registers: [registry],
  }),
  batchSize: new Histogram({
    name: 'orders_batch_size',
    help: 'Orders in one batch of stage 1.',
    buckets: [1, 5, 20, 50, 100, 200, 500],
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof declare>;

export function createMetrics(registry: Registry): Metrics {
  const metrics = declare(registry);
  for (const mode of Mode.options)
    for (const status of FINAL_STATUSES) {
      metrics.clickToFinal.zero({ mode, status });
      for (const reason of REASONS[status]) metrics.decided.inc({ mode, status, reason }, 0);
    }
  return metrics;
}
