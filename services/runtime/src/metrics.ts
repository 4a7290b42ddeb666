// Metrics of parts that a process may have more than once, and how such a part declares them: once for each registry.
import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

/** A registry refuses a second metric of the same name; with this, pools, loops and connections share one. */
export function perRegistry<Metrics>(declare: (registry: Registry) => Metrics): (registry: Registry) => Metrics {
  const declared = new WeakMap<Registry, Metrics>();
  return (registry) => {
    const metrics = declared.get(registry) ?? declare(registry);
    declared.set(registry, metrics);
    return metrics;
  };
}

/** A gauge with one label, whose series are read when the metrics are requested. */
export function sampledGauge(options: { name: string; help: string; label: string; registry: Registry }) {
  const { name, help, label, registry } = options;
  const series = new Map<string, () => number>();
  new Gauge<string>({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, read] of series) this.set({ [label]: value }, read());
    },
  });
  return { add: (value: string, read: () => number) => void series.set(value, read) };
}

export const poolMetrics = perRegistry((registry) => ({
  inUse: sampledGauge({
    name: 'db_pool_in_use',
    help: 'Database connections in use, by pool.',
    label: 'pool',
    registry,
  }),
  waiting: sampledGauge({
    name: 'db_pool_waiting',
    help: 'Statements and transactions that wait for a database connection, by pool.',
    label: 'pool',
    registry,
  }),
  transactionSeconds: new Histogram({
    name: 'db_transaction_seconds',
    help: 'Time of a transaction, waiting for a connection included, by result: committed or failed.',
    labelNames: ['result'] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10],
    registers: [registry],
  }),
}));

export const jobMetrics = perRegistry((registry) => ({
  runs: new Counter({
    name: 'job_runs_total',
    help: 'Runs of a background job that have ended, by job and result: done or failed.',
    labelNames: ['job', 'result'] as const,
    registers: [registry],
  }),
  lastSuccess: new Gauge({
    name: 'job_last_success_timestamp_seconds',
    help: 'End of the last run of a background job that did not fail, in Unix seconds; 0 before the first.',
    labelNames: ['job'] as const,
    registers: [registry],
  }),
}));
