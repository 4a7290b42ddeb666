// The settings that the bench's figures depend on; they go into its report.

export const FULL = {
  /** False for a run that only shows that it works. */
  counts: true,
  runs: 5,
  /** Each clicks again as soon as it has its response, where CPU seconds are counted. */
  connections: 64,
  refusalSeconds: 5,
  /** Accepted, which is counted, and then worked off, which is counted too. */
  orders: 20_000,
  pgbenchSeconds: 10,
  /** The same before, uncounted. */
  warmUp: { orders: 10_000, refusalSeconds: 3, pgbenchSeconds: 3 },
  /** Clicks before the window of a rate opens, and after it has closed. */
  window: { leadSeconds: 4, tailSeconds: 1 },
  steadySeconds: 30,
  /** The search for the steady rate, by shorter tries, each so much faster than the one before. */
  search: { seconds: 6, step: 1.1 },
  /** The slow bank takes so much of the arrivals. More late clicks than a p99 leaves out would make it worthless. */
  decoupling: { seconds: 16, slowBank: 0.1, mostLate: 0.01 },
};

export type Settings = typeof FULL;

export const QUICK: Settings = {
  ...FULL,
  counts: false,
  runs: 2,
  refusalSeconds: 2,
  orders: 3_000,
  pgbenchSeconds: 3,
  warmUp: { orders: 3_000, refusalSeconds: 1, pgbenchSeconds: 1 },
  window: { leadSeconds: 2, tailSeconds: 1 },
  steadySeconds: 5,
  search: { seconds: 3, step: 1.3 },
  decoupling: { seconds: 4, slowBank: 0.1, mostLate: 1 },
};
