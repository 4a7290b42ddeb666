// The metrics of payment.
import { Histogram, type Registry } from '@prometheus-io/client';

export const createMetrics = (registry: Registry) => ({
  bankCall: new Histogram({
    name: 'payment_bank_call_seconds',
    help: 'Time at the bank, waiting for a connection included, by call and outcome; unknown: no clear answer.',
    labelNames: ['call', 'outcome'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10],
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;
