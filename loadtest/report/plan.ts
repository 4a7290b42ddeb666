// What is compared, how often and under which settings; printed in every report.

export type Road = 'queued' | 'direct';

export interface Case {
  name: 'peak' | 'calm';
  title: string;
  units: number;
  buyers: number;
  /** They click evenly spread over this time, each once, whatever the answers do. */
  seconds: number;
  /** Of the bank, the slowest party. */
  chargesPerSecond: number;
}

export interface Plan {
  /** Of each case on each road. */
  rounds: number;
  cases: Case[];
}

/**
 * More than the bank takes, and units for half of the crowd; then a tenth of what it takes, and units for everybody. Two cores
 * carry these rates and k6 beside them on either road: at 600/s the calls left k6 too little to click in time.
 */
const full: Plan = {
  rounds: 5,
  cases: [
    {
      name: 'peak',
      title: 'four times what the bank takes',
      units: 1_200,
      buyers: 2_400,
      seconds: 6,
      chargesPerSecond: 100,
    },
    {
      name: 'calm',
      title: 'a tenth of what the bank takes',
      units: 600,
      buyers: 600,
      seconds: 6,
      chargesPerSecond: 1_000,
    },
  ],
};

const quick: Plan = {
  rounds: 5,
  cases: [
    {
      name: 'peak',
      title: 'four times what the bank takes',
      units: 450,
      buyers: 1_000,
      seconds: 2.5,
      chargesPerSecond: 100,
    },
    {
      name: 'calm',
      title: 'a tenth of what the bank takes',
      units: 200,
      buyers: 200,
      seconds: 2,
      chargesPerSecond: 1_000,
    },
  ],
};

export const planOf = (isQuick: boolean): Plan => (isQuick ? quick : full);

/** The same process count on both roads: the services are one each, and so are the servers. */
export const CONFIGURATION = {
  processes: { gateway: 1, orders: 1, inventory: 1, payment: 1, bank: 1, postgres: 1, redis: 1, rabbitmq: 1 },
  gateway: { DIRECT_DEADLINE_MS: '2000', DIRECT_MAX_IN_FLIGHT: '100' },
  /** Reset before each run: with the seed, the n-th charge meets the same fate in each. */
  bank: { latencyMs: { p50: 40, p99: 120 }, declineRate: 0, errorRate: 0, lateRate: 0, seed: 1111 },
};

export type Configuration = typeof CONFIGURATION & Pick<Plan, 'rounds'>;

export function describeConfiguration({ processes, gateway, bank, rounds }: Configuration): string[] {
  const parts = Object.entries(processes).map(([name, number]) => `${number} ${name}`);
  return [
    `processes: ${parts.join(', ')}`,
    describeDirect(gateway),
    `bank: p50 ${bank.latencyMs.p50} ms, p99 ${bank.latencyMs.p99} ms on top of its line, reset with seed ${bank.seed} before each run`,
    `every order is final within ${FINAL_WITHIN_MS / 1_000} s of the crowd, or the run does not count`,
    `${rounds} runs of each case on each road, interleaved; before them the first crowd once on each road, uncounted, at a bank without limit`,
  ];
}

export const describeDirect = ({ DIRECT_DEADLINE_MS, DIRECT_MAX_IN_FLIGHT }: (typeof CONFIGURATION)['gateway']) =>
  `direct: deadline ${DIRECT_DEADLINE_MS} ms, at most ${DIRECT_MAX_IN_FLIGHT} calls in flight at the gateway`;

/** How long after the crowd every order must have ended. */
export const FINAL_WITHIN_MS = 120_000;

/** The first crowd on each road before anything counts, at a bank that holds nobody up: connections open, code compiled. */
export function warmUpOf({ cases }: Plan): { round: 0; case: Case; road: Road }[] {
  const unhurried = { ...(cases[0] as Case), chargesPerSecond: 0 };
  return (['queued', 'direct'] as const).map((road) => ({ round: 0, case: unhurried, road }));
}

/** Who gets the first turn changes from round to round. */
export function orderOf({ rounds, cases }: Plan): { round: number; case: Case; road: Road }[] {
  return Array.from({ length: rounds }, (_, i) => i + 1).flatMap((round) =>
    cases.flatMap((each) => {
      const roads: Road[] = round % 2 === 1 ? ['queued', 'direct'] : ['direct', 'queued'];
      return roads.map((road) => ({ round, case: each, road }));
    }),
  );
}
