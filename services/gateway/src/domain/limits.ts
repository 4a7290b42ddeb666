// What keeps a burst or a silent neighbour from filling this gateway: concurrency limits and circuit breakers.
const OPEN_FOR_MS = 1_000;

/** A bound on how many callers are inside at once. */
export interface ConcurrencyLimit {
  full(): boolean;
  /** False when it is full; a caller that got in must leave. */
  enter(): boolean;
  leave(): void;
}

export function createConcurrencyLimit(most: number): ConcurrencyLimit {
  let inside = 0;
  return {
    full: () => inside >= most,
    enter: () => inside < most && ++inside > 0,
    leave: () => {
      inside -= 1;
    },
  };
}

/** A bound on all callers, and one on those of the same key. */
export interface LimitPerKey {
  enter(key: string): boolean;
  leave(key: string): void;
}

export function createLimitPerKey(most: number, mostOfEach: number): LimitPerKey {
  const all = createConcurrencyLimit(most);
  const inside = new Map<string, number>();
  return {
    enter(key) {
      const count = inside.get(key) ?? 0;
      if (count >= mostOfEach || !all.enter()) return false;
      inside.set(key, count + 1);
      return true;
    },
    leave(key) {
      const count = (inside.get(key) ?? 1) - 1;
      if (count > 0) inside.set(key, count);
      else inside.delete(key);
      all.leave();
    },
  };
}

/** A circuit breaker for a neighbour that accepts calls and responds to none: orders are refused before they are admitted. */
export interface Breaker {
  /** False while the neighbour is known to be silent. */
  closed(): boolean;
  /** Undefined while it is open. After a second one caller gets in as the probe, and the others wait for its outcome. */
  enter(): Pass | undefined;
}

export interface Pass {
  /** False: the call timed out. One slow call is no silence: others may have got a response meanwhile. */
  note(responded: boolean): void;
  leave(): void;
}

export function createBreaker(now = () => performance.now()): Breaker {
  let respondedAt = Number.NEGATIVE_INFINITY;
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
        note(responded) {
          if (responded) {
            respondedAt = now();
            trippedAt = undefined;
          } else if (respondedAt < since) trippedAt = now();
        },
        leave() {
          if (isProbe) probing = false;
        },
      };
    },
  };
}
