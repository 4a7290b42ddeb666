// A circuit breaker for a neighbour that accepts calls and answers none: orders are refused before they are admitted.
const OPEN_FOR_MS = 1_000;

export interface Breaker {
  /** False while the neighbour is known to be silent; asking takes nothing. */
  closed(): boolean;
  /** Undefined while it is open. After a second one caller gets in as the probe, and the others wait for its outcome. */
  enter(): Pass | undefined;
}

export interface Pass {
  /** `answered` false: the call timed out. One slow call is no silence: others may have been answered meanwhile. */
  note(answered: boolean): void;
  leave(): void;
}

export function createBreaker(now = () => performance.now()): Breaker {
  let answeredAt = Number.NEGATIVE_INFINITY;
  let trippedAt: number | undefined;
  let probing = false;
  const closed = () => trippedAt === undefined || (!probing && now() - trippedAt >= OPEN_FOR_MS);

  return {
    closed,
    enter() {
      if (!closed()) return undefined;
      const since = now();
      const isProbe = trippedAt !== undefined;
      if (isProbe) probing = true;
      return {
        note(answered) {
          if (answered) {
            answeredAt = now();
            trippedAt = undefined;
          } else if (answeredAt < since) trippedAt = now();
        },
        leave() {
          if (isProbe) probing = false;
        },
      };
    },
  };
}
