// The metrics of inventory.
import { Counter, type Registry } from '@prometheus-io/client';
import type { Outcome } from './domain/reservations.ts';

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(registry: Registry) {
  const reserved = new Counter({
    name: 'inventory_reserve_outcomes_total',
    help: 'Outcomes of Reserve, repeated ones included: held, sold, released, or why it was refused.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  return {
    countReserved(outcomes: Outcome[]) {
      for (const { state, reason } of outcomes) reserved.inc({ outcome: reason ?? state });
    },
  };
}
