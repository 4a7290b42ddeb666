// The metrics of inventory. Series with labels exist from the start, so that a rate sees their first event, too.
import { Refusal } from '@flashsale/contracts/messages';
import { createReadGauges } from '@flashsale/runtime/gauges';
import { Counter, type Registry } from '@prometheus-io/client';

const declare = (registry: Registry) => ({
  reserved: new Counter({
    name: 'inventory_reserve_outcomes_total',
    help: 'Outcomes of Reserve, repeated ones included: held, sold, released, or why it was refused.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof declare>;

export function createMetrics(registry: Registry): Metrics {
  const metrics = declare(registry);
  for (const outcome of ['held', 'sold', 'released', ...Refusal.options]) metrics.reserved.inc({ outcome }, 0);
  return metrics;
}

/** In the whole database, so the same at each process. */
export type Units = Record<'available' | 'held' | 'sold', number>;

export const createGauges = (registry: Registry, readUnits: () => Promise<Units>) =>
  createReadGauges(
    registry,
    { units: { name: 'inventory_units', help: 'Units of the sales that are open, by state.', label: 'state' } },
    async () => ({ units: await readUnits() }),
  );
