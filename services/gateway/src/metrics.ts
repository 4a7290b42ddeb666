// The gateway's own metrics that count. Series with labels exist from the start, so that a rate sees their first event.
import { Mode } from '@flashsale/contracts/fields';
import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import type { PlaceOutcome, Refusal } from './domain/place-outcome.ts';
import type { RebuildReason } from './domain/rebuild-gate.ts';
import type { ShutReason } from './domain/watch-sales.ts';
import { PROBLEMS, type ProblemKind } from './inbound/problems.ts';

const metricsOf = (registry: Registry) => ({
  placed: new Counter({
    name: 'gateway_orders_total',
    help: 'Clicks with a valid token and body, by mode and outcome.',
    labelNames: ['mode', 'outcome'] as const,
    registers: [registry],
  }),
  seconds: new Histogram({
    name: 'gateway_order_seconds',
    help: 'Time from a valid click to its outcome, by mode and outcome.',
    labelNames: ['mode', 'outcome'] as const,
    buckets: [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [registry],
  }),
  refusedEarly: new Counter({
    name: 'gateway_refused_early_total',
    help: 'Clicks refused before token and body were checked, by mode and reason; gateway_orders_total lacks them.',
    labelNames: ['mode', 'reason'] as const,
    registers: [registry],
  }),
  problems: new Counter({
    name: 'gateway_problems_total',
    help: 'Responses that were a problem, by its name and HTTP status.',
    labelNames: ['problem', 'status'] as const,
    registers: [registry],
  }),
  resultLag: new Histogram({
    name: 'gateway_result_lag_seconds',
    help: 'Time from the decision of an order, its compensation included, until its event was applied to the gate.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60],
    registers: [registry],
  }),
  swept: new Counter({
    name: 'gateway_swept_total',
    help: 'Records that were due and checked.',
    registers: [registry],
  }),
  damaged: new Counter({
    name: 'gateway_damaged_records_total',
    help: 'Records of a gate that could not be read and were set aside.',
    registers: [registry],
  }),
  rebuilt: new Counter({
    name: 'gateway_gates_rebuilt_total',
    help: 'Gates that were opened or rebuilt, by reason.',
    labelNames: ['reason'] as const,
    registers: [registry],
  }),
  notRebuilt: new Counter({
    name: 'gateway_gate_rebuilds_failed_total',
    help: 'Rebuilds that ended with an error; those left to another gateway are not counted.',
    registers: [registry],
  }),
  shut: new Counter({
    name: 'gateway_gates_shut_total',
    help: 'Gates that were shut, to be rebuilt from inventory, by reason.',
    labelNames: ['reason'] as const,
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof metricsOf>;

export function createMetrics(registry: Registry): Metrics {
  const metrics = metricsOf(registry);
  for (const mode of Mode.options) {
    for (const outcome of OUTCOMES) metrics.placed.inc({ mode, outcome }, 0);
    for (const reason of EARLY_REASONS) metrics.refusedEarly.inc({ mode, reason }, 0);
    for (const outcome of ACCEPTED[mode]) metrics.seconds.zero({ mode, outcome });
  }
  for (const problem of Object.keys(PROBLEMS) as ProblemKind[])
    metrics.problems.inc({ problem, status: PROBLEMS[problem][0] }, 0);
  for (const reason of REBUILD_REASONS) metrics.rebuilt.inc({ reason }, 0);
  for (const reason of SHUT_REASONS) metrics.shut.inc({ reason }, 0);
  return metrics;
}

/** `queue-too-long`: the order could not be decided in time, though nothing is wrong. */
export type EarlyReason = Refusal['kind'] | 'queue-too-long';

/** Complete, or it does not compile. */
const all = <Name extends string>(names: Record<Name, true>) => Object.keys(names) as Name[];

const OUTCOMES = all<PlaceOutcome['kind']>({
  ...{ queued: true, reserved: true, confirmed: true, declined: true, rejected: true, unknown: true },
  ...{ 'already-bought': true, 'key-reused': true, limit: true },
  ...{ busy: true, 'sold-out': true, 'not-open': true, closed: true },
});
const EARLY_REASONS = all<EarlyReason>({
  ...{ busy: true, 'queue-too-long': true, 'sold-out': true, 'not-open': true, closed: true },
});
const REBUILD_REASONS = all<RebuildReason>({ first: true, missing: true, history: true, epoch: true });
const SHUT_REASONS = all<ShutReason>({ sold_out: true, at_rest: true, operator: true });
/** No alert is about the time of the other outcomes: their series come with their first click. */
const ACCEPTED = { queued: ['queued'], direct: ['reserved', 'confirmed'] } as const;
