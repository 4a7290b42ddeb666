// The metrics of messaging, shared by the connections of a process.
import { perRegistry, sampledGauge } from '@flashsale/runtime/metrics';
import { Counter, Histogram } from '@prometheus-io/client';

export const metricsOf = perRegistry((registry) => ({
  connected: sampledGauge({
    name: 'messaging_connected',
    help: '1 while a connection to the broker is set up, 0 while it is not, by connection.',
    label: 'connection',
    registry,
  }),
  published: new Counter({
    name: 'messaging_published_total',
    help: 'Messages by connection and result: confirmed, returned, unsent or unknown; retry steps and dead letters included.',
    labelNames: ['connection', 'result'] as const,
    registers: [registry],
  }),
  unconfirmed: sampledGauge({
    name: 'messaging_unconfirmed',
    help: 'Messages that wait for their confirm, by connection.',
    label: 'connection',
    registry,
  }),
  confirmSeconds: new Histogram({
    name: 'messaging_confirm_seconds',
    help: 'Time from sending a message to its result, by connection.',
    labelNames: ['connection'] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 20],
    registers: [registry],
  }),
  consumed: new Counter({
    name: 'messaging_consumed_total',
    help: 'Deliveries that were handled, by queue and verdict: done, later or dead.',
    labelNames: ['queue', 'verdict'] as const,
    registers: [registry],
  }),
  waitSeconds: new Histogram({
    name: 'messaging_wait_seconds',
    help: 'Time from first sending a message to handling it, retry steps included, by queue.',
    labelNames: ['queue'] as const,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600],
    registers: [registry],
  }),
  deadLettered: new Counter({
    name: 'messaging_dead_lettered_total',
    help: 'Messages that were put into the dead letters of a queue, by that queue.',
    labelNames: ['queue'] as const,
    registers: [registry],
  }),
}));
