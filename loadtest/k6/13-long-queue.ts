// A queue far longer than the bank's rate: 3,000 orders in three seconds at 20 charges a second. The bank is never idle
// until the last order is decided, and no order costs the broker more messages because it waits.
// Buyers: 3000
import { check, sleep } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob } from './knobs.ts';
import { eachClick, even, lastClickSeconds, once } from './shapes.ts';
import { buy, buyer, chargesSince, openSale, queueCounts, until } from './shop.ts';
import { type Data, print, value } from './summary.ts';

const BURST = { buyers: knob('BUYERS', 3_000), seconds: knob('SECONDS', 3) };
const BANK = knob('BANK', 20);
/** The broker counts a few seconds behind. */
const COUNTED_SECONDS = 12;
const WITHIN_SECONDS = (BURST.buyers / BANK) * 1.1 + 15;
const WINDOW_MS = 10_000;
const [LEAST_RATE, MOST_PLACED, MOST_DUE] = [0.95, 1.05, 1.2];

export const options: Options = {
  scenarios: {
    burst: even(BURST),
    end: { ...once(WITHIN_SECONDS + COUNTED_SECONDS + 10), exec: 'end', startTime: `${lastClickSeconds(BURST)}s` },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:yes}': [`count==${BURST.buyers}`],
    rate_of_bank: [`min>=${LEAST_RATE}`],
    placed_per_order: [`max<=${MOST_PLACED}`],
    due_per_order: [`max<=${MOST_DUE}`],
  },
};

/** Share of what the bank could take, in each ten seconds from the first charge on. */
const rateOfBank = new Trend('rate_of_bank');
const placedPerOrder = new Trend('placed_per_order');
const duePerOrder = new Trend('due_per_order');

const countsNow = () => ({ placed: queueCounts('orders.placed'), due: queueCounts('payments.due') });

export function setup() {
  const saleId = openSale('queued', BURST.buyers, BANK);
  return { saleId, beganAt: Date.now(), before: countsNow() };
}
type Begun = ReturnType<typeof setup>;

export default eachClick(BURST, ({ saleId }: Begun, due) => void buy(saleId, buyer(due.index), due));

export const end = eachClick({ buyers: 1, seconds: 1 }, ({ beganAt, before }: Begun) => {
  const isPaid = until(() => chargesSince(beganAt).length >= BURST.buyers, WITHIN_SECONDS);
  check(isPaid, { 'the bank has charged every order': Boolean });
  for (const share of sharesOfBank(chargesSince(beganAt))) rateOfBank.add(share);
  sleep(COUNTED_SECONDS);
  const after = countsNow();
  placedPerOrder.add((after.placed.publish - before.placed.publish) / BURST.buyers);
  duePerOrder.add((after.due.deliver - before.due.deliver) / BURST.buyers);
});

/** The last window is as long as it is, and left out. */
function sharesOfBank(finishedAt: number[]): number[] {
  const first = finishedAt[0] ?? 0;
  const windows = Math.floor(((finishedAt.at(-1) ?? 0) - first) / WINDOW_MS);
  const inWindow = (i: number) => finishedAt.filter((at) => Math.floor((at - first) / WINDOW_MS) === i).length;
  return Array.from({ length: windows }, (_, i) => (inWindow(i) * 1_000) / WINDOW_MS / BANK);
}

export const handleSummary = (data: Data) => {
  const [least, median] = ['min', 'med'].map((statistic) => data.metrics.rate_of_bank?.values[statistic] ?? 0);
  const per = (metric: string) => (data.metrics[metric]?.values.max ?? 0).toFixed(3);
  return print(data, [
    `each 10 s the bank charged at least ${((least ?? 0) * 100).toFixed(1)} % of what it can, median ${((median ?? 0) * 100).toFixed(1)} %`,
    `messages an order: ${per('placed_per_order')} published to orders.placed, ${per('due_per_order')} delivered from payments.due`,
    `yes ${value(data, 'outcomes', 'count', { kind: 'yes' })} of ${BURST.buyers}`,
  ]);
};
