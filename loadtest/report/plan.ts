// The comparison's plan: its cases, how often each runs, under which settings, and when a run does not count.
import type { AuditResult } from '../../infra/audit/audit.ts';

export type Mode = 'queued' | 'direct';
export type Plan = ReturnType<typeof planOf>;
export type Case = Plan['cases'][number];
export type Turn = { case: Case; mode: Mode; nth: number };

const PEAK = { name: 'peak' as 'peak' | 'calm', title: 'four times what the bank takes', chargesPerSecond: 100 };
const CALM: typeof PEAK = { name: 'calm', title: 'a tenth of what the bank takes', chargesPerSecond: 1_000 };

/**
 * Each buyer clicks once, evenly spread over the seconds, however slow the responses are. At the peak more come than the bank
 * takes, and there are units for half of them. Two cores carry these rates and k6 beside them on either path: at 600/s
 * the calls left k6 too little to click in time.
 */
export const planOf = (isQuick: boolean) => ({
  /** For each case on each path. */
  runs: 5,
  cases: isQuick
    ? [
        { ...PEAK, units: 450, buyers: 1_000, seconds: 2.5 },
        { ...CALM, units: 200, buyers: 200, seconds: 2 },
      ]
    : [
        { ...PEAK, units: 1_200, buyers: 2_400, seconds: 6 },
        { ...CALM, units: 600, buyers: 600, seconds: 6 },
      ],
});

/** The same process count on both paths: the services are one each, and so are the servers. */
export const CONFIGURATION = {
  processes: { gateway: 1, orders: 1, inventory: 1, payment: 1, bank: 1, postgres: 1, redis: 1, rabbitmq: 1 },
  gateway: { DIRECT_DEADLINE_MS: '2000', DIRECT_MAX_IN_FLIGHT: '100' },
  /** Reset before each run: with the seed, the n-th charge meets the same fate in each. */
  bank: { latencyMs: { p50: 40, p99: 120 }, declineRate: 0, errorRate: 0, lateRate: 0, seed: 1111 },
};
export type Configuration = typeof CONFIGURATION & Pick<Plan, 'runs'>;

/** How long after the last click every order must be final. */
export const FINAL_WITHIN_MS = 120_000;

export function describeConfiguration({ processes, gateway, bank, runs }: Configuration): string[] {
  const { p50, p99 } = bank.latencyMs;
  const parts = Object.entries(processes).map(([name, number]) => `${number} ${name}`);
  const warmUp = 'before them the first case once on each path, uncounted, at a bank without limit';
  return [
    `processes: ${parts.join(', ')}`,
    describeDirect(gateway),
    `bank: p50 ${p50} ms, p99 ${p99} ms on top of its queue, reset with seed ${bank.seed} before each run`,
    `every order is final within ${FINAL_WITHIN_MS / 1_000} s of the last click, or the run does not count`,
    `${runs} runs of each case on each path, interleaved; ${warmUp}`,
  ];
}

export const describeDirect = ({ DIRECT_DEADLINE_MS, DIRECT_MAX_IN_FLIGHT }: (typeof CONFIGURATION)['gateway']) =>
  `direct: deadline ${DIRECT_DEADLINE_MS} ms, at most ${DIRECT_MAX_IN_FLIGHT} calls in flight per gateway`;

/** The first case on each path before anything counts, at a bank without limit: connections open, code compiled. */
export const warmUpOf = ({ cases }: Plan): Turn[] =>
  cases.slice(0, 1).flatMap((first) => turnsOf(0, [{ ...first, chargesPerSecond: 0 }]));

export const orderOf = ({ runs, cases }: Plan): Turn[] =>
  Array.from({ length: runs }, (_, i) => turnsOf(i + 1, cases)).flat();

/** Which path goes first alternates. */
function turnsOf(nth: number, cases: Case[]): Turn[] {
  const modes: Mode[] = nth % 2 === 1 ? ['queued', 'direct'] : ['direct', 'queued'];
  return cases.flatMap((each) => modes.map((mode) => ({ nth, case: each, mode })));
}

/** A tenth of a second is what people notice (Nielsen): clicks later than this are not the planned arrivals. */
const MOST_LATE_MS = 100;
/** k6's own for "a threshold was crossed". */
const THRESHOLD = 99;

type Counts = Record<'exitCode' | 'dropped' | 'buyers' | 'clicks' | 'undecided', number>;
export type Evidence = Counts & {
  lateMs: { p99: number };
  deaths: string[];
  audit: Pick<AuditResult, 'ok' | 'checks'>;
};

/** Only a load that was not as planned may be put down to a busy machine. */
export type Invalid = { why: string; whose: 'load' | 'shop' };

/** These rules stand here before anything is measured, and none is bent afterwards. */
export function whyInvalid(evidence: Evidence): Invalid[] {
  const { exitCode, dropped, buyers, clicks, lateMs, deaths, undecided, audit } = evidence;
  const whole = dropped === 0 && clicks === buyers;
  const differences = audit.checks.filter(({ ok }) => !ok).map(({ name }) => name);
  const rules: [broken: boolean, whose: Invalid['whose'], why: string][] = [
    [dropped > 0, 'load', `k6 dropped ${dropped} iterations`],
    [clicks !== buyers, 'load', `${clicks} clicks were made of ${buyers}`],
    [lateMs.p99 > MOST_LATE_MS, 'load', `the generator was saturated: p99 ${Math.round(lateMs.p99)} ms late`],
    // An incomplete load crosses the script's own thresholds on it, which are no measure of the shop.
    [exitCode === THRESHOLD && whole, 'shop', 'a threshold of the script was crossed'],
    [exitCode !== 0 && exitCode !== THRESHOLD, 'shop', `k6 ended with code ${exitCode}`],
    [deaths.length > 0, 'shop', `${deaths.join(', ')} ended in the middle of it`],
    [undecided > 0, 'shop', `${undecided} orders had no final result`],
    [!audit.ok, 'shop', `the audit found a difference: ${differences.join(', ')}`],
  ];
  return rules.flatMap(([broken, whose, why]) => (broken ? [{ why, whose }] : []));
}
