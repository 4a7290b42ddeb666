// How fast the line of each sale moves, measured by the results of all gateways' orders.
// Results come in bursts, because a backlog is worked in batches: the time from one burst to the last counts.
const WINDOW_MS = 30_000;
/** A slow line is measured over a longer time, until it has shown this many results. */
const ENOUGH_RESULTS = 50;
const LONGEST_WINDOW_MS = 600_000;
/** Results within this time are one burst. */
const BURST_MS = 250;
/** A silence longer than this, and than two gaps between bursts, is a line that stands. */
const STANDS_AFTER_MS = 5_000;

export interface Measured {
  perSecond: number;
  results: number;
  overMs: number;
}

export interface Throughput {
  count(saleId: string): void;
  /** Undefined before a second burst of results. */
  measure(saleId: string): Measured | undefined;
  /** An empty line moves nothing: its silence must not slow down the measure of the next crowd. */
  sawEmpty(saleId: string): void;
}

interface Burst {
  atMs: number;
  count: number;
}

export function createThroughput(now = () => performance.now()): Throughput {
  const seen = new Map<string, Burst[]>();

  function measure(saleId: string): Measured | undefined {
    const bursts = seen.get(saleId) ?? [];
    const [first, last] = [bursts[0], bursts.at(-1)];
    if (!first || !last || first === last) return undefined;
    const movedMs = last.atMs - first.atMs;
    const usualMs = Math.max(STANDS_AFTER_MS, (2 * movedMs) / (bursts.length - 1));
    const overMs = movedMs + Math.max(0, now() - last.atMs - usualMs);
    const results = resultsOf(bursts);
    return { perSecond: (results * 1_000) / overMs, results, overMs };
  }

  return {
    measure,
    count(saleId) {
      const atMs = now();
      const bursts = seen.get(saleId) ?? [];
      const last = bursts.at(-1);
      if (last && atMs - last.atMs < BURST_MS) last.count += 1;
      else bursts.push({ atMs, count: 1 });
      while (isOutdated(bursts, atMs)) bursts.shift();
      seen.set(saleId, bursts);
    },
    sawEmpty(saleId) {
      const last = seen.get(saleId)?.at(-1);
      if (last && now() - last.atMs > STANDS_AFTER_MS) seen.delete(saleId);
    },
  };
}

/** The first burst is the work of the time before it, of which nothing is known. */
const resultsOf = (bursts: Burst[]) => bursts.slice(1).reduce((sum, { count }) => sum + count, 0);

function isOutdated(bursts: Burst[], atMs: number): boolean {
  const ageMs = atMs - (bursts[1]?.atMs ?? atMs);
  return ageMs > LONGEST_WINDOW_MS || (ageMs > WINDOW_MS && resultsOf(bursts.slice(1)) >= ENOUGH_RESULTS);
}
