// How fast the orders of a sale become final, from what was told in the last seconds; for estimates, never for decisions.
const WINDOW_MS = 5_000;

export interface Pace {
  count(saleId: string): void;
  /** Final orders per second; undefined while none became final. */
  perSecond(saleId: string): number | undefined;
}

export function createPace(now = () => performance.now()): Pace {
  const seen = new Map<string, { since: number; count: number; before: number }>();

  /** Two windows, the full one before and the one that fills: nothing is kept for each order. */
  function windowOf(saleId: string) {
    const at = now();
    const window = seen.get(saleId) ?? { since: at, count: 0, before: 0 };
    const age = at - window.since;
    if (age < WINDOW_MS) return window;
    return { since: at - (age % WINDOW_MS), count: 0, before: age < 2 * WINDOW_MS ? window.count : 0 };
  }

  return {
    count(saleId) {
      const window = windowOf(saleId);
      seen.set(saleId, { ...window, count: window.count + 1 });
    },
    perSecond(saleId) {
      const { since, count, before } = windowOf(saleId);
      const ms = now() - since + (before ? WINDOW_MS : 0);
      return count + before > 0 ? ((count + before) * 1_000) / Math.max(ms, 1_000) : undefined;
    },
  };
}
