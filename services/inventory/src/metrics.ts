// The metrics of inventory.
import { Counter, type Registry } from '@prometheus-io/client';

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(registry: Registry) {
  const reserved = new Counter({
    name: 'inventory_reserve_outcomes_total',
    help: 'Answers of Reserve, repeated ones included: held, sold, released, or why it was refused.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  return { reserved: (outcome: string) => reserved.inc({ outcome }) };
}
