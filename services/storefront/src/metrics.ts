// The metrics of the storefront.
import { Counter, Gauge, type Registry } from '@prometheus-io/client';

export function createMetrics(registry: Registry) {
  const metrics = {
    forwarded: new Counter({
      name: 'storefront_forwarded_total',
      help: 'Calls to the gateway, by class of the status; none: the gateway gave no response, full: refused here.',
      labelNames: ['status'] as const,
      registers: [registry],
    }),
    forwarding: new Gauge({
      name: 'storefront_forwarding',
      help: 'Calls at the gateway just now, event streams included.',
      registers: [registry],
    }),
    logins: new Counter({
      name: 'storefront_demo_logins_total',
      help: 'Clicks on the demo login, by outcome.',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
  };
  for (const status of ['2xx', '3xx', '4xx', '5xx', 'none', 'full']) metrics.forwarded.inc({ status }, 0);
  for (const outcome of ['logged-in', 'rate-limited']) metrics.logins.inc({ outcome }, 0);
  return metrics;
}

export type Metrics = ReturnType<typeof createMetrics>;
