// The metrics of orders. Series with labels exist from the start, so that a rate sees their first event, too.
import { cancelReason, Mode } from '@flashsale/contracts/fields';
import { FINAL_STATUSES, type FinalStatus, type Reason, Refusal } from '@flashsale/contracts/messages';
import { createReadGauges } from '@flashsale/runtime/gauges';
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

/** In the whole database, so the same at each worker. At most 10,000 of each are read. */
export interface Backlog {
  /** By stage. */
  undecided: { placed: number; unpaid: number; due: number };
  undecidedOldestSeconds: number;
  compensationsPending: number;
  /** By exchange. */
  outbox: Record<string, number>;
  outboxOldestSeconds: Record<string, number>;
}

export const createGauges = (registry: Registry, readBacklog: () => Promise<Backlog>) =>
  createReadGauges<keyof Backlog>(
    registry,
    {
      undecided: {
        name: 'orders_undecided',
        help: 'Orders without a result, up to 10,000: placed, unpaid holds, and those whose payment is due.',
        label: 'stage',
      },
      undecidedOldestSeconds: {
        name: 'orders_undecided_oldest_seconds',
        help: 'How long the oldest order, placed or with its payment due, has been in its stage.',
      },
      compensationsPending: {
        name: 'orders_compensations_pending',
        help: 'Ended orders, up to 10,000, whose charge is not voided or whose unit is not released yet.',
      },
      outbox: {
        name: 'orders_outbox_waiting',
        help: 'Messages, up to 10,000, that the broker has not confirmed yet, by exchange.',
        label: 'exchange',
      },
      outboxOldestSeconds: {
        name: 'orders_outbox_oldest_seconds',
        help: 'How long the oldest message of the outbox has waited, by exchange.',
        label: 'exchange',
      },
    },
    readBacklog,
  );
