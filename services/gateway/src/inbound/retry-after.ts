// When a client should come back: jittered, so that a crowd that was answered together does not return together.
const SHARE = { least: 0.4, more: 0.4 };
const LONGEST_S = 60;

/** Seconds. Before the estimated wait is over, since estimates may be too long. */
export function retryAfter(waitMs?: number | null, random: () => number = Math.random): string {
  if (waitMs === undefined || waitMs === null) return `${1 + Math.round(random())}`;
  const seconds = Math.round((waitMs / 1_000) * (SHARE.least + SHARE.more * random()));
  return `${Math.min(Math.max(seconds, 1), LONGEST_S)}`;
}
