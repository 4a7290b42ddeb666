// The gateway's gauges: each is read when the metrics are scraped.
import { Mode } from '@flashsale/contracts/fields';
import { Gauge, type Registry } from '@prometheus-io/client';
import type { Totals } from './domain/totals.ts';

interface Readings {
  totals: (mode: Mode) => Totals;
  directInFlight: () => number;
  directLimit: number;
  listeners: () => number;
}

export function createGauges(registry: Registry, { totals, directInFlight, directLimit, listeners }: Readings) {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(read());
      },
    });
  /** A figure of all gates together, and so the same at every gateway. */
  const total = (field: keyof Totals, name: string, help: string) =>
    new Gauge({
      ...{ name, help: `${help}, by mode; the same at every gateway.`, labelNames: ['mode'] as const },
      registers: [registry],
      collect() {
        for (const mode of Mode.options) this.set({ mode }, totals(mode)[field]);
      },
    });
  total('waiting', 'gateway_waiting_orders', 'Orders that wait in the gates');
  total('oldestSeconds', 'gateway_waiting_oldest_seconds', 'How long the first of the waiting orders has waited');
  total('tickets', 'gateway_tickets_left', 'Tickets of the sales that are not over');
  gauge('gateway_direct_in_flight', 'Direct orders and payments that hold a call just now.', directInFlight);
  gauge('gateway_direct_limit', 'The most of them; beyond it, a click is refused as busy.', () => directLimit);
  gauge('gateway_listeners', 'Event streams and waits for a result that are open.', listeners);
}
