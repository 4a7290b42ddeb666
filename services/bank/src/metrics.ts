// The metrics of the bank.
import { Counter, Gauge, type Registry } from '@prometheus-io/client';

export const createMetrics = (registry: Registry) => ({
  busy: new Counter({
    name: 'bank_busy_seconds_total',
    help: 'Time of the turns that have ended: its rate is the utilisation, and 1 a bank that is full.',
    registers: [registry],
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;

interface Bank {
  waiting(): number;
  behaviour(): { chargesPerSecond: number };
}

export function createGauges(registry: Registry, { waiting, behaviour }: Bank): void {
  new Gauge({
    name: 'bank_waiting',
    help: 'Charges that wait for their turn.',
    registers: [registry],
    collect() {
      this.set(waiting());
    },
  });
  new Gauge({
    name: 'bank_capacity_per_second',
    help: 'Charges that the bank can take in a second; 0: no limit.',
    registers: [registry],
    collect() {
      this.set(behaviour().chargesPerSecond);
    },
  });
}
