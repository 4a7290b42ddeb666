// From samples to bars: one character for each stretch of time.
import type { Sample } from './sample.ts';

const BARS = ' ▁▂▃▄▅▆▇█';

/** A value above `most` is a full bar, and whatever there is at all is seen. */
export function bars(values: number[], most: number): string {
  const height = (value: number) =>
    value > 0 ? Math.min(BARS.length - 1, Math.max(1, Math.round((value / most) * 8))) : 0;
  return values.map((value) => BARS[height(value)]).join('');
}

export type Measure = (sample: Sample) => number;

/** What `measure` was at a time, on the straight line between the samples before and after it. */
export function valueAt(samples: Sample[], measure: Measure, atMs: number): number {
  const next = samples.findIndex((sample) => sample.atMs >= atMs);
  const after = samples[next];
  if (!after) return samples.length ? measure(samples.at(-1) as Sample) : 0;
  const before = samples[next - 1];
  const [fromMs, from] = before ? [before.atMs, measure(before)] : [0, 0];
  const share = after.atMs === fromMs ? 1 : (atMs - fromMs) / (after.atMs - fromMs);
  return from + (measure(after) - from) * share;
}

/** One value for each cell that has begun, the last one as far as it goes. */
function cells(samples: Sample[], cellMs: number, cellOf: (fromMs: number, toMs: number) => number): number[] {
  const endMs = samples.at(-1)?.atMs ?? 0;
  return Array.from({ length: Math.ceil(endMs / cellMs) }, (_, i) =>
    cellOf(i * cellMs, Math.min((i + 1) * cellMs, endMs)),
  );
}

export const levels = (samples: Sample[], measure: Measure, cellMs: number): number[] =>
  cells(samples, cellMs, (_, toMs) => valueAt(samples, measure, toMs));

/** Of a count that only grows, its growth per second. */
export const rates = (samples: Sample[], measure: Measure, cellMs: number): number[] =>
  cells(samples, cellMs, (fromMs, toMs) => {
    const grown = valueAt(samples, measure, toMs) - valueAt(samples, measure, fromMs);
    return (grown / (toMs - fromMs)) * 1_000;
  });

/** Its growth per second now: over the last second. */
export function rateNow(samples: Sample[], measure: Measure): number {
  const endMs = samples.at(-1)?.atMs ?? 0;
  const fromMs = Math.max(0, endMs - 1_000);
  if (endMs === fromMs) return 0;
  return ((valueAt(samples, measure, endMs) - valueAt(samples, measure, fromMs)) / (endMs - fromMs)) * 1_000;
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** The times under the bars: a tick every so many seconds. */
export function axis(cellMs: number, width: number): string {
  const stepS = STEPS.find((step) => (step * 1_000) / cellMs >= 8) ?? 5_000;
  let line = '';
  for (let tick = 0; (tick * 1_000) / cellMs < width - 7; tick += stepS)
    line = `${line.padEnd(Math.round((tick * 1_000) / cellMs))}${Math.round(tick * 10) / 10} s`;
  return line;
}
