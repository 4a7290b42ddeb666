// Redis' clock, as estimated between two readings of it.
import type { Clock } from '../domain/ports.ts';

/** Longer than several refreshes of the gates, each of which reads it. */
const TRUSTED_FOR_MS = 10_000;

export interface RedisClock extends Clock {
  set(timeMs: number): void;
  /** The next connection may lead to another machine. */
  forget(): void;
}

export function createRedisClock(monotonicMs: () => number = () => performance.now()): RedisClock {
  let reading: { timeMs: number; atMs: number } | undefined;
  return {
    nowMs() {
      if (!reading) return undefined;
      const since = monotonicMs() - reading.atMs;
      return since > TRUSTED_FOR_MS ? undefined : Math.floor(reading.timeMs + since);
    },
    // Counted from the answer's arrival, so the estimate is behind Redis by the time that the answer took.
    set(timeMs) {
      reading = { timeMs, atMs: monotonicMs() };
    },
    forget() {
      reading = undefined;
    },
  };
}
