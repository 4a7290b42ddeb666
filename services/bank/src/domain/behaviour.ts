// The bank's behaviour: knobs that may be turned while it runs, and their effect on each call.
import { z } from 'zod';

const MAX_MS = 3_600_000;
const milliseconds = z.number().min(0).max(MAX_MS);
const rate = z.number().min(0).max(1);

export const Behaviour = z.strictObject({
  /** 0: no limit. */
  chargesPerSecond: z.number().min(0).max(1_000_000),
  /** Log-normal, in parallel, on top of the queue; a p99 below the p50 means no spread. */
  latencyMs: z.strictObject({ p50: milliseconds, p99: milliseconds }),
  declineRate: rate,
  /** Half of the failing calls fail before they take effect, half after: the caller cannot know which. */
  errorRate: rate,
  /** The call takes effect in time, and its response comes `lateMs` later. */
  lateRate: rate,
  lateMs: milliseconds,
  /** Setting it, even to what it is, starts the random sequence again. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
});
export type Behaviour = z.infer<typeof Behaviour>;

export const BehaviourChange = Behaviour.extend({ latencyMs: Behaviour.shape.latencyMs.partial() }).partial();
export type BehaviourChange = z.infer<typeof BehaviourChange>;

export interface Fate {
  latencyMs: number;
  declined: boolean;
  error: 'before' | 'after' | undefined;
  lateMs: number;
}

export function createBehaviour(initial: Behaviour) {
  let knobs = initial;
  let random = sequences(initial.seed);
  return {
    knobs: () => knobs,
    change(change: BehaviourChange) {
      knobs = Behaviour.parse({ ...knobs, ...change, latencyMs: { ...knobs.latencyMs, ...change.latencyMs } });
      if (change.seed !== undefined) random = sequences(change.seed);
    },
    /** Charges and reversals draw from sequences of their own: the n-th charge meets the same fate in every run. */
    nextFate: (call: 'charge' | 'reversal'): Fate => fateOf(knobs, random[call]),
  };
}

const sequences = (seed: number) => ({ charge: mulberry32(seed), reversal: mulberry32(~seed) });

/** Draws as many numbers whatever the knobs say, so that turning one knob leaves the other fates as they were. */
function fateOf(knobs: Behaviour, random: () => number): Fate {
  const [decline, error, late, u, v] = [random(), random(), random(), random(), random()];
  return {
    latencyMs: logNormal(knobs.latencyMs, Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v)),
    declined: decline < knobs.declineRate,
    error: error >= knobs.errorRate ? undefined : error < knobs.errorRate / 2 ? 'before' : 'after',
    lateMs: late < knobs.lateRate ? knobs.lateMs : 0,
  };
}

const Z_OF_P99 = 2.3263;

function logNormal({ p50, p99 }: Behaviour['latencyMs'], z: number): number {
  if (p50 === 0) return 0;
  const sigma = Math.log(Math.max(p99, p50) / p50) / Z_OF_P99;
  return Math.min(p50 * Math.exp(sigma * z), MAX_MS);
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
