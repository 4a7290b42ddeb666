// The metrics of inventory.
import { Counter, type Registry } from '@prometheus-io/client';

export const createMetrics = (registry: Registry) => ({
  reserved: new Counter({
    name: 'inventory_reserve_outcomes_total',
    help: 'Outcomes of Reserve, repeated ones included: held, sold, released, or why it was refused.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;
