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
