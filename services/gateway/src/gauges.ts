// The gateway's gauges: each is read when the metrics are asked for.
import { Gauge, type Registry } from '@prometheus-io/client';

interface Readings {
  directInFlight: () => number;
  directLimit: number;
  listeners: () => number;
}

export function createGauges(registry: Registry, { directInFlight, directLimit, listeners }: Readings) {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(read());
      },
    });
  gauge('gateway_direct_in_flight', 'Direct orders and payments that hold a call just now.', directInFlight);
  gauge('gateway_direct_limit', 'The most of them; beyond it, a click is refused as busy.', () => directLimit);
  gauge('gateway_listeners', 'Event streams and waits for a result that are open.', listeners);
}
