// Waiting in tests: for the condition, with a deadline, never for a time.
import { setTimeout as sleep } from 'node:timers/promises';

type Found<T> = Exclude<NonNullable<T>, false>;

/** Resolves with the first value that is neither undefined, null nor false; what `look` throws counts as not yet. */
export async function until<T>(what: string, look: () => T | Promise<T>, deadlineMs = 20_000): Promise<Found<T>> {
  const giveUpAt = Date.now() + deadlineMs;
  let last: unknown;
  while (Date.now() < giveUpAt) {
    try {
      last = await look();
      if (last) return last as Found<T>;
    } catch (error) {
      last = error;
    }
    await sleep(20);
  }
  throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last });
}
