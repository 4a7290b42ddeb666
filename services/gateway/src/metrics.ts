// The gateway's own metrics.
import { Counter, Histogram, type Registry } from '@prometheus-io/client';

export const createMetrics = (registry: Registry) => ({
  placed: new Counter({
    name: 'gateway_orders_total',
    help: 'Clicks that reached the gate, by mode and outcome.',
    labelNames: ['mode', 'outcome'] as const,
    registers: [registry],
  }),
  seconds: new Histogram({
    name: 'gateway_order_seconds',
    help: 'Time from a valid click to its outcome, by mode and outcome.',
    labelNames: ['mode', 'outcome'] as const,
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
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

export type Metrics = ReturnType<typeof createMetrics>;
