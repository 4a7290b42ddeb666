// The only file that knows when clicks are due. All of it is an open model: a click leaves at its time, whatever became of
// those before it, because a crowd does not wait for its turn.
import exec from 'k6/execution';
import type { Scenario } from 'k6/options';
import type { Road } from './knobs.ts';

/**
 * Where all clicks that are under way at once take longer than this, there are not enough users, and k6 counts it. For a crowd
 * of three seconds there is one for each click and some to spare: none can be left out, however slow the answers are.
 */
const UNDER_WAY_SECONDS = 3.5;
/** What a small machine has memory for, at a quarter of a megabyte each. */
const MOST_USERS = 5_000;
/** Longer than shop.ts waits for an answer: nobody is cut off. */
const LAST_ANSWER_SECONDS = 12;
/** Before a crowd, for k6 to get all users ready; and after it, for a generator that is behind. */
const LEAD_SECONDS = 1;
const TAIL_SECONDS = 2;

/**
 * A user (k6: VU) for each iteration that is under way at once, made before the start and never during it: a click for
 * which there is none would be left out, and counted as `dropped_iterations`.
 */
function users(perSecond: number, { share, seconds }: Staying = { share: 0, seconds: 0 }) {
  const underWay = perSecond * (UNDER_WAY_SECONDS + share * seconds);
  const preAllocatedVUs = Math.ceil(Math.min(underWay, MOST_USERS));
  const gracefulStop = `${LAST_ANSWER_SECONDS + seconds}s`;
  return { preAllocatedVUs, maxVUs: preAllocatedVUs, gracefulStop };
}

export interface Even {
  buyers: number;
  seconds: number;
  staying?: Staying;
}

/** Who does more than click once and hear the answer: which share of them, and for how long at most. */
export interface Staying {
  share: number;
  seconds: number;
}

/** So many and not one more, evenly over the time. */
export function even(shape: Even): Scenario {
  const { buyers, seconds, staying } = shape;
  return {
    executor: 'constant-arrival-rate',
    rate: buyers,
    timeUnit: `${seconds}s`,
    duration: `${Math.round((lastClickSeconds(shape) + TAIL_SECONDS) * 1_000)}ms`,
    ...users(buyers / seconds, staying),
  };
}

/** Iterations before the first click. */
const leadOf = ({ buyers, seconds }: Even) => Math.ceil((LEAD_SECONDS * buyers) / seconds);

/** How long after its start an even shape sends its last click. */
export const lastClickSeconds = (shape: Even) => ((leadOf(shape) + shape.buyers) * shape.seconds) / shape.buyers;

export interface Due {
  /** From 0. */
  index: number;
  /** Unix milliseconds. */
  dueAt: number;
}

/** The click that this iteration of an even shape is; null before and after the crowd, when nobody clicks. */
export function dueNow(shape: Even): Due | null {
  const { startTime, iterationInTest } = exec.scenario;
  const index = iterationInTest - leadOf(shape);
  if (index < 0 || index >= shape.buyers) return null;
  return { index, dueAt: startTime + (iterationInTest * shape.seconds * 1_000) / shape.buyers };
}

/** How long the buyer of that click has waited by now. The start is known to a millisecond only. */
export const waitedMs = ({ dueAt }: Due) => Math.max(0, Date.now() - dueAt);

/** For what has to be done once, and may take so long. */
export const once = (seconds: number): Scenario => even({ ...ONE, staying: { share: 1, seconds } });
export const ONE: Even = { buyers: 1, seconds: 1 };

export interface Bell {
  /** Clicks per second, from one second after the opening on. */
  peak: number;
  seconds: number;
}

/** From nothing to the peak within a second. When exactly a click was due here, k6 tells nobody. */
export function openingBell({ peak, seconds }: Bell): Scenario {
  return {
    executor: 'ramping-arrival-rate',
    startRate: 0,
    timeUnit: '1s',
    stages: [
      { duration: '1s', target: peak },
      { duration: `${seconds - 1}s`, target: peak },
      { duration: '0s', target: 0 },
      { duration: `${TAIL_SECONDS}s`, target: 0 },
    ],
    ...users(peak),
  };
}

export interface Rung extends Even {
  perSecond: number;
  /** Of all those below it. */
  clicksBefore: number;
  startsAtSeconds: number;
}

/** Ever twice as many, up to `top`, each for so long; between them a pause in which lines may end. */
export function ladder(top: number, rungs: number, seconds: number): Rung[] {
  const rates = Array.from({ length: rungs }, (_, i) => Math.ceil(top / 2 ** (rungs - 1 - i)));
  return rates.map((perSecond, i) => ({
    perSecond,
    buyers: perSecond * seconds,
    seconds,
    clicksBefore: rates.slice(0, i).reduce((sum, rate) => sum + rate * seconds, 0),
    startsAtSeconds: i * rungSeconds(seconds),
  }));
}

/** From the start of one to the start of the next. */
export const rungSeconds = (seconds: number) => LEAD_SECONDS + seconds + TAIL_SECONDS;

export const rungScenario = (on: string, { perSecond }: Pick<Rung, 'perSecond'>) => `${on}_${perSecond}`;

/** The function named `on` climbs it; `rungNow` tells it where it is. Everything is tagged with `tags` and the rung. */
export function climb(rungs: Rung[], on: string, fromSeconds: number, tags: Record<string, string>) {
  const scenarios = rungs.map((rung): [string, Scenario] => [
    rungScenario(on, rung),
    {
      ...even(rung),
      exec: on,
      startTime: `${fromSeconds + rung.startsAtSeconds}s`,
      tags: { ...tags, rung: String(rung.perSecond) },
    },
  ]);
  return Object.fromEntries(scenarios);
}

/** The rung of the iteration that runs now. */
export const rungNow = (rungs: Rung[]) => rungs.find(({ perSecond }) => exec.scenario.name.endsWith(`_${perSecond}`));

export interface OnRoads {
  roads: Road[];
  shape: Scenario;
  /** Between the start of one crowd and of the next. */
  apartSeconds: number;
}

/** The same arrivals on one road after the other: a function of the road's name is run, and everything is tagged with it. */
export function oneAfterTheOther({ roads, shape, apartSeconds }: OnRoads): Record<string, Scenario> {
  return Object.fromEntries(
    roads.map((road, i) => [road, { ...shape, exec: road, tags: { road }, startTime: `${i * apartSeconds}s` }]),
  );
}

/** A threshold that holds always: k6 prints only those parts of a metric that have one. */
export const shown = ['count>=0'];
