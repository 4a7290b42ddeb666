// How fast the orders of a sale become final; for estimates, never for decisions.
// Results come in bursts, because a backlog is worked in batches: so what counts is the time from one burst to the last,
// never the silence since then, and a single burst says nothing.
const WINDOW_MS = 30_000;
/** What comes within this time is one burst. */
const BURST_MS = 250;

interface Burst {
  atMs: number;
  count: number;
}

export interface Pace {
  count(saleId: string): void;
  /** Final orders per second; undefined while that cannot be said. */
  perSecond(saleId: string): number | undefined;
}

export function createPace(now = () => performance.now()): Pace {
  const bursts = new Map<string, Burst[]>();

  return {
    count(saleId) {
      const atMs = now();
      const seen = bursts.get(saleId) ?? [];
      const last = seen.at(-1);
      if (last && atMs - last.atMs < BURST_MS) last.count += 1;
      else seen.push({ atMs, count: 1 });
      while (seen.length > 2 && atMs - (seen[0] as Burst).atMs > WINDOW_MS) seen.shift();
      bursts.set(saleId, seen);
    },
    perSecond(saleId) {
      const seen = bursts.get(saleId) ?? [];
      const [first, last] = [seen[0], seen.at(-1)];
      if (!first || !last || first === last || now() - last.atMs > WINDOW_MS) return undefined;
      // The first burst is the work of the time before it, of which nothing is known.
      const count = seen.slice(1).reduce((sum, burst) => sum + burst.count, 0);
      return (count * 1_000) / (last.atMs - first.atMs);
    },
  };
}
