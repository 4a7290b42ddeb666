// The response to one charge in a hundred is a minute late. No other order waits for it: the others are charged at nearly the
// rate at which they are without.
// Buyers: 4000
import { check } from 'k6';
import exec from 'k6/execution';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob } from './knobs.ts';
import { eachClick, even, lastClickSeconds, ONE, once } from './shapes.ts';
import { buy, buyer, chargesSince, openSale, setBank, until } from './shop.ts';
import { type Data, print, SHOWN, value } from './summary.ts';

const BURST = { buyers: knob('BUYERS', 4_000), seconds: knob('SECONDS', 8) };
const BANK = knob('BANK', 400);
const LATENCY_MS = { p50: 40, p99: 120 };
const LEAST_SHARE = 0.9;
const LATE = { lateRate: 0.01, lateMs: 60_000 };
/** Without the late ones and the last of the others. */
const COUNTED = Math.floor(BURST.buyers * 0.98);
const RUNS = ['without', 'with'] as const;
type Run = (typeof RUNS)[number];

const RUN_SECONDS = Math.ceil(lastClickSeconds(BURST) + (2 * BURST.buyers) / BANK);
const startOf = (run: Run) => RUNS.indexOf(run) * (RUN_SECONDS + 5);
const tagged = (run: Run) => ({ startTime: `${startOf(run)}s`, tags: { run } });

export const options: Options = {
  scenarios: {
    ...Object.fromEntries(RUNS.map((run) => [run, { ...even(BURST), ...tagged(run) }])),
    ...Object.fromEntries(RUNS.map((run) => [`${run}_end`, { ...once(RUN_SECONDS), ...tagged(run), exec: 'end' }])),
    late: { ...once(5), exec: 'late', startTime: `${startOf('with') - 3}s` },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:yes}': [`count==${2 * BURST.buyers}`],
    'outcomes{run:with}': [SHOWN],
    'charged_per_second{run:with}': ['max>=0'],
    'charged_per_second{run:without}': ['max>=0'],
    share_of_rate: [`min>=${LEAST_SHARE}`],
  },
};

const chargedPerSecond = new Trend('charged_per_second');
/** The rate with late charges, as a share of the rate without. */
const shareOfRate = new Trend('share_of_rate');
const runNow = () => exec.vu.metrics.tags.run as Run;

export function setup() {
  const beganAt = Date.now();
  const sales = RUNS.map((run) => [run, openSale('queued', BURST.buyers, BANK, LATENCY_MS)]);
  return { beganAt, sales: Object.fromEntries(sales) as Record<Run, string> };
}
type Begun = ReturnType<typeof setup>;

export const late = eachClick(ONE, () => setBank(BANK, LATENCY_MS, LATE));

export default eachClick(BURST, ({ sales }: Begun, due) => void buy(sales[runNow()], buyer(due.index), due));

/** Charges a second, from the first one to the last that counts. */
const rateOf = (finishedAt: number[]) =>
  (COUNTED * 1_000) / ((finishedAt[COUNTED - 1] ?? Number.POSITIVE_INFINITY) - (finishedAt[0] ?? 0));

export const end = eachClick(ONE, ({ beganAt }: Begun) => {
  const [run, startedAt] = [runNow(), exec.scenario.startTime];
  const isCharged = () => chargesSince(startedAt).length >= COUNTED;
  check(until(isCharged, RUN_SECONDS), { 'all but the late ones are charged': Boolean });
  const rate = rateOf(chargesSince(startedAt));
  chargedPerSecond.add(rate, { run });
  const before = () => chargesSince(beganAt).filter((at) => at < startedAt);
  if (run === 'with') shareOfRate.add(rate / rateOf(before()));
});

export const handleSummary = (data: Data) => {
  const [without = 0, withLate = 0] = RUNS.map((run) => value(data, 'charged_per_second', 'max', { run }));
  const share = `${((withLate / without) * 100).toFixed(1)} %`;
  return print(data, [
    `charged a second: ${without.toFixed(1)} without late charges, ${withLate.toFixed(1)} with 1 % a minute late: ${share}`,
  ]);
};
