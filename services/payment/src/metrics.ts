// The metrics of payment. Series with labels exist from the start, so that a rate sees their first event, too.
import { createReadGauges } from '@flashsale/runtime/gauges';
import { Gauge, Histogram, type Registry } from '@prometheus-io/client';

/** By call, what the bank may answer. */
const ANSWERS = {
  charge: ['captured', 'declined', 'reversed', 'unknown'],
  reverse: ['reversed', 'declined', 'unknown'],
} as const;
export type BankCall = keyof typeof ANSWERS;

const declare = (registry: Registry) => ({
  bankCall: new Histogram({
    name: 'payment_bank_call_seconds',
    help: 'Time at the bank, waiting for a connection included, by call and outcome; unknown: no clear answer.',
    labelNames: ['call', 'outcome'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10],
    registers: [registry],
  }),
  bankInFlight: new Gauge({
    name: 'payment_bank_in_flight',
    help: 'Calls that are at the bank just now, or wait for a connection, by call.',
    labelNames: ['call'] as const,
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof declare>;

export function createMetrics(registry: Registry): Metrics {
  const metrics = declare(registry);
  for (const call of Object.keys(ANSWERS) as BankCall[]) {
    metrics.bankInFlight.set({ call }, 0);
    for (const outcome of ANSWERS[call]) metrics.bankCall.zero({ call, outcome });
  }
  return metrics;
}

/** In the whole database, so the same at each process. At most 10,000 are read. */
export interface Backlog {
  reversals: number;
  reversalsOldestSeconds: number;
}

export const createGauges = (registry: Registry, readBacklog: () => Promise<Backlog>) =>
  createReadGauges<keyof Backlog>(
    registry,
    {
      reversals: {
        name: 'payment_reversals_owed',
        help: 'Charges to be reversed, up to 10,000, that the bank has not confirmed as reversed yet.',
      },
      reversalsOldestSeconds: {
        name: 'payment_reversals_oldest_seconds',
        help: 'How long the oldest reversal has been owed.',
      },
    },
    readBacklog,
  );
