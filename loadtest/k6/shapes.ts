// The only file that sets when clicks are due. The model is open throughout: a click is sent when it is due, whatever
// became of those before it, because real buyers do not take turns.
import exec from 'k6/execution';
import type { Scenario } from 'k6/options';

/** A burst of three seconds has a user for each click and some to spare, however slow the responses are. */
const UNDER_WAY_SECONDS = 3.5;
/** As many as a small machine has memory for, at a quarter of a megabyte each. */
const MOST_USERS = 5_000;
/** Longer than the timeout in shop.ts, so that no click is cut off. */
const LAST_RESPONSE_SECONDS = 12;
/** Before a burst, for k6 to make all users; after it, for a generator that is behind. */
const [LEAD_SECONDS, TAIL_SECONDS] = [1, 2];

/** Exactly so many clicks, evenly over the time. */
export interface Even {
  buyers: number;
  seconds: number;
  /** The share of buyers who do more than click and read the response, and for how long at most. */
  staying?: { share: number; seconds: number };
}

/** One (k6: VU) for each iteration under way at once; k6 counts a click that finds none in `dropped_iterations`. */
function users(perSecond: number, { share, seconds } = { share: 0, seconds: 0 }) {
  const preAllocatedVUs = Math.ceil(Math.min(perSecond * (UNDER_WAY_SECONDS + share * seconds), MOST_USERS));
  return { preAllocatedVUs, maxVUs: preAllocatedVUs, gracefulStop: `${LAST_RESPONSE_SECONDS + seconds}s` };
}

export const even = (shape: Even): Scenario => ({
  executor: 'constant-arrival-rate',
  rate: shape.buyers,
  timeUnit: `${shape.seconds}s`,
  duration: `${Math.round((lastClickSeconds(shape) + TAIL_SECONDS) * 1_000)}ms`,
  ...users(shape.buyers / shape.seconds, shape.staying),
});

const idleIterations = ({ buyers, seconds }: Even) => Math.ceil((LEAD_SECONDS * buyers) / seconds);

/** How long after its start an even shape sends its last click. */
export const lastClickSeconds = (shape: Even) =>
  ((idleIterations(shape) + shape.buyers) * shape.seconds) / shape.buyers;

/** From 0, and in Unix milliseconds. */
export type Due = { index: number; dueAt: number };

/** The click that this iteration of an even shape makes; undefined before the first and after the last. */
export function dueNow(shape: Even): Due | undefined {
  const { startTime, iterationInTest } = exec.scenario;
  const index = iterationInTest - idleIterations(shape);
  if (index < 0 || index >= shape.buyers) return undefined;
  return { index, dueAt: startTime + (iterationInTest * shape.seconds * 1_000) / shape.buyers };
}

/** The function that k6 runs for each iteration of an even shape: `act` where a click is due. */
export function eachClick<Data>(shape: Even, act: (data: Data, due: Due) => void) {
  return (data: Data) => {
    const due = dueNow(shape);
    if (due) act(data, due);
  };
}

/** How long the buyer of that click has waited by now. The start is known to a millisecond only. */
export const waitedMs = ({ dueAt }: Due) => Math.max(0, Date.now() - dueAt);

/** An action that is done once, and may take so long. */
export const once = (seconds: number): Scenario => even({ ...ONE, staying: { share: 1, seconds } });
export const ONE: Even = { buyers: 1, seconds: 1 };

/** From nothing to the peak (clicks per second) within a second. k6 does not expose when exactly a click was due here. */
export function openingBell({ peak, seconds }: { peak: number; seconds: number }): Scenario {
  const targets: [seconds: number, perSecond: number][] = [
    [1, peak],
    [seconds - 1, peak],
    [0, 0],
    [TAIL_SECONDS, 0],
  ];
  const stages = targets.map(([seconds, target]) => ({ duration: `${seconds}s`, target }));
  return { executor: 'ramping-arrival-rate', startRate: 0, timeUnit: '1s', stages, ...users(peak) };
}

type Climb = Record<'top' | 'rungs' | 'seconds', number>;
/** Each name climbs all rungs, one after the other: `top` clicks per second on the last, half as many on each below. */
export function ladder(tag: string, names: string[], { top, rungs, seconds }: Climb) {
  const rates = Array.from({ length: rungs }, (_, i) => Math.ceil(top / 2 ** (rungs - 1 - i)));
  const apartSeconds = LEAD_SECONDS + seconds + TAIL_SECONDS;
  return names.flatMap((name, turn) =>
    rates.map((perSecond, i) => {
      const shape = { buyers: perSecond * seconds, seconds };
      const clicksBefore = rates.slice(0, i).reduce((sum, rate) => sum + rate * seconds, 0);
      // All clicks of the last name have their responses before the next one begins.
      const startTime = `${turn * (rungs * apartSeconds + LAST_RESPONSE_SECONDS) + i * apartSeconds}s`;
      const tags = { [tag]: name, rung: String(perSecond) };
      const scenario = { ...even(shape), startTime, tags };
      return { ...shape, name, perSecond, clicksBefore, tags, scenarioName: `${name}_${perSecond}`, scenario };
    }),
  );
}
export type Rung = ReturnType<typeof ladder>[number];
export const clicksOf = (rungs: Rung[]) => Math.max(...rungs.map(({ clicksBefore, buyers }) => clicksBefore + buyers));
export const rungNow = (rungs: Rung[]) => rungs.find(({ scenarioName }) => scenarioName === exec.scenario.name);
