// The only file that knows when clicks are due. All of it is an open model: a click leaves at its time, whatever became of
// those before it, because a crowd does not wait for its turn.
import exec from 'k6/execution';
import type { Scenario } from 'k6/options';

/** Where all clicks that are under way at once take longer than this, there are not enough users, and k6 counts it. */
const UNDER_WAY_SECONDS = 4;
/** What a small machine has memory for, at 0.15 MB each. */
const MOST_USERS = 5_000;
/** Longer than shop.ts waits for an answer: nobody is cut off. */
const LAST_ANSWER_SECONDS = 12;
/** Before a crowd, for k6 to get all users ready; and after it, for a generator that is behind. */
const LEAD_SECONDS = 1;
const TAIL_SECONDS = 2;

/**
 * A user (k6: VU) for each click that is under way at once, made before the start and never during it: a click for which
 * there is none would be left out, and counted as `dropped_iterations`.
 */
function users(perSecond: number) {
  const preAllocatedVUs = Math.ceil(Math.min(perSecond * UNDER_WAY_SECONDS, MOST_USERS));
  return { preAllocatedVUs, maxVUs: preAllocatedVUs, gracefulStop: `${LAST_ANSWER_SECONDS}s` };
}

export interface Even {
  buyers: number;
  seconds: number;
}

/** So many and not one more, evenly over the time. */
export function even({ buyers, seconds }: Even): Scenario {
  const intervals = leadOf({ buyers, seconds }) + buyers;
  return {
    executor: 'constant-arrival-rate',
    rate: buyers,
    timeUnit: `${seconds}s`,
    duration: `${Math.round((intervals * seconds * 1_000) / buyers) + TAIL_SECONDS * 1_000}ms`,
    ...users(buyers / seconds),
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

/** For what has to be done between two crowds, and may take so long. */
export const once = (withinSeconds: number): Scenario => ({ ...even(ONE), gracefulStop: `${withinSeconds}s` });
export const ONE: Even = { buyers: 1, seconds: 1 };

/** A threshold that holds always: k6 prints only those parts of a metric that have one. */
export const shown = ['count>=0'];
