// Waiting for a condition, with a deadline and never for a fixed time.
import { setTimeout as sleep } from 'node:timers/promises';

type Found<T> = Exclude<NonNullable<T>, false>;

export interface Waiting {
  withinMs?: number;
  everyMs?: number;
  /** Ends the waiting with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Resolves with the first value that is neither undefined, null nor false; an error of `look` counts as not yet.
 * Rejects after `withinMs` (a number is short for it), with the last value or error as its cause.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  waiting: number | Waiting = {},
): Promise<Found<T>> {
  const { withinMs = 20_000, everyMs = 20, signal } = typeof waiting === 'number' ? { withinMs: waiting } : waiting;
  const giveUpAt = Date.now() + withinMs;
  let last: unknown;
  do {
    signal?.throwIfAborted();
    try {
      last = await look();
      if (last) return last as Found<T>;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs, undefined, { ...(signal && { signal }) }).catch(() => signal?.throwIfAborted());
  } while (Date.now() < giveUpAt);
  const reason = last instanceof Error ? ` (${last.message})` : '';
  throw new Error(`not within ${withinMs} ms: ${what}${reason}`, { cause: last });
}
