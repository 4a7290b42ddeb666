// At most so many inside at once.
export interface Cap {
  full(): boolean;
  /** False when there is no room; who got in must leave. */
  enter(): boolean;
  leave(): void;
}

export function createCap(most: number): Cap {
  let inside = 0;
  return {
    full: () => inside >= most,
    enter: () => inside < most && ++inside > 0,
    leave: () => {
      inside -= 1;
    },
  };
}

/** At most so many inside, and at most so many of each. */
export interface CapEach {
  enter(who: string): boolean;
  leave(who: string): void;
}

export function createCapEach(most: number, mostOfEach: number): CapEach {
  const all = createCap(most);
  const inside = new Map<string, number>();
  return {
    enter(who) {
      const count = inside.get(who) ?? 0;
      if (count >= mostOfEach || !all.enter()) return false;
      inside.set(who, count + 1);
      return true;
    },
    leave(who) {
      const count = (inside.get(who) ?? 1) - 1;
      if (count > 0) inside.set(who, count);
      else inside.delete(who);
      all.leave();
    },
  };
}
