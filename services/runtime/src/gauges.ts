// Gauges of a store: read when the metrics are scraped, all of them by one read.
import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, type Registry } from '@prometheus-io/client';

/** However many scrape, and however often: a read is shared by those of the next second. */
const SHARED_FOR_MS = 1_000;
/** Far below the timeout of a scrape: a store that does not respond must not hide the other metrics. */
const TIMEOUT_MS = 2_000;

export interface Declared {
  name: string;
  help: string;
  /** Its values are the keys of what was read. */
  label?: string;
}
type Value = number | Record<string, number>;

/** A read that fails, or takes too long, leaves its gauges out of the scrape. */
export function createReadGauges<Field extends string>(
  registry: Registry,
  declared: Record<Field, Declared>,
  read: () => Promise<Record<Field, Value>>,
): void {
  const current = shared(read);
  for (const [field, { name, help, label }] of Object.entries<Declared>(declared))
    new Gauge({
      ...{ name, help, labelNames: label ? [label] : [], registers: [registry] },
      async collect() {
        const values = await current();
        this.reset();
        if (!values) return label ? undefined : this.remove();
        const value = values[field as Field];
        if (typeof value === 'number') return this.set(value);
        for (const [key, count] of Object.entries(value)) this.set({ [label ?? 'key']: key }, count);
      },
    });
}

/** Never two reads at once; undefined for one that failed, or has not ended in time. */
function shared<Values>(read: () => Promise<Values>): () => Promise<Values | undefined> {
  let reading: Promise<Values | undefined> | undefined;
  const forget = () => {
    reading = undefined;
  };
  const begin = () =>
    read()
      .catch(() => undefined)
      .finally(() => setTimeout(forget, SHARED_FOR_MS).unref());
  return () => {
    reading ??= begin();
    return Promise.race([reading, sleep(TIMEOUT_MS, undefined, { ref: false })]);
  };
}
