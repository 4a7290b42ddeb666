// How the steady rate is found: up by short tries while the line holds, and then down until one holds for long enough.

const DOWN = { least: 0.95, most: 0.8 };

/** `reached`: how many a second were confirmed all the same. Under too much load it is less than could be: so in bounds. */
export const below = (rate: number, reached: number) =>
  Math.max(1, Math.round(rate * Math.min(DOWN.least, Math.max(DOWN.most, reached / rate))));

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
  do {
    rate = Math.floor(rate / step);
    if (rate < 1) throw new Error('not even one order a second is confirmed as fast as it arrives');
  } while (!(await holds(rate)));
  return rate;
}
