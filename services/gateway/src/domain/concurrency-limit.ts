// A bound on how many callers are inside at once.
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
