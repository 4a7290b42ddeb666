// Everything the bench's figures depend on; they go into its report.

export interface Settings {
  /** False for what only shows that it works. */
  counts: boolean;
  rounds: number;
  /** Clicking as fast as answers come, for what is counted per CPU second. */
  connections: number;
  refusalSeconds: number;
  /** So many are accepted, counted, and then worked off, counted too. */
  orders: number;
  pgbenchSeconds: number;
  /** Uncounted. Orders for each road to a yes, seconds for what has no orders. */
  warmUp: { orders: number; seconds: number };
  paced: {
    /** So many that one is free whenever a click is due. */
    connections: number;
    /** Before the window opens, and after it has closed. */
    leadSeconds: number;
    tailSeconds: number;
  };
  steadySeconds: number;
  /** Looking for the steady rate by shorter tries, each so much faster than the one before. */
  search: { seconds: number; step: number };
  decoupling: { seconds: number /** Of the arrivals. */; slowBank: number };
}

export const FULL: Settings = {
  counts: true,
  rounds: 5,
  connections: 64,
  refusalSeconds: 5,
  orders: 20_000,
  pgbenchSeconds: 10,
  warmUp: { orders: 10_000, seconds: 3 },
  paced: { connections: 512, leadSeconds: 4, tailSeconds: 1 },
  steadySeconds: 30,
  search: { seconds: 6, step: 1.1 },
  decoupling: { seconds: 16, slowBank: 0.1 },
};

/** To see that it works. */
export const QUICK: Settings = {
  ...FULL,
  counts: false,
  rounds: 2,
  refusalSeconds: 2,
  orders: 3_000,
  pgbenchSeconds: 3,
  warmUp: { orders: 3_000, seconds: 1 },
  paced: { connections: 512, leadSeconds: 2, tailSeconds: 1 },
  steadySeconds: 5,
  search: { seconds: 3, step: 1.3 },
  decoupling: { seconds: 4, slowBank: 0.1 },
};
