// How the steady rate is found: up while the line holds, down when it grows.

export interface Stairs {
  /** To be tried now. */
  rate(): number;
  held(): void;
  /** `reached`: how many a second were confirmed all the same. */
  grew(reached: number): void;
}

const UP = 1.04;
const DOWN = { least: 0.95, most: 0.8 };

/** After a round up a little, so that the next does not rest on what this one found; within a round down until one holds. */
export function createStairs(start: number): Stairs {
  let rate = start;
  const step = (by: number) => {
    rate = Math.max(1, Math.round(rate * by));
  };
  return {
    rate: () => rate,
    held: () => step(UP),
    // Under too much load less may be confirmed than could be: it says where to try, within bounds.
    grew: (reached) => step(Math.min(DOWN.least, Math.max(DOWN.most, reached / rate))),
  };
}

/** Orders are confirmed in batches, several a second: by so much the line is now longer, now shorter. 1 % of 30 s. */
const RIPPLE_SECONDS = 0.3;

/** Everything offered arrived, and as many were confirmed as arrived: the line did not grow. */
export function isSteady(of: { rate: number; seconds: number; arrived: number; confirmed: number }): boolean {
  const { rate, seconds, arrived, confirmed } = of;
  const ripple = rate * RIPPLE_SECONDS;
  return arrived >= rate * seconds - ripple && Math.abs(confirmed - arrived) <= ripple;
}

/** Up until one does not hold, or else down until one does; answers the highest that held. */
export async function climb(start: number, step: number, holds: (rate: number) => Promise<boolean>): Promise<number> {
  let rate = Math.round(start);
  if (await holds(rate)) {
    for (let next = Math.round(rate * step); await holds(next); next = Math.round(rate * step)) rate = next;
    return rate;
  }
  do rate = Math.round(rate / step);
  while (rate > 0 && !(await holds(rate)));
  return rate;
}
