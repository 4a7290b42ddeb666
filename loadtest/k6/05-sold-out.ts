// Everything is gone, and the crowd is still there: each click costs the shop next to nothing, and is told so at once.
// Buyers: 30
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob, type Road, roads } from './knobs.ts';
import { dueNow, even, lastClickSeconds, oneAfterTheOther, waitedMs } from './shapes.ts';
import { type Answer, buy, buyer, openSale, setBank, until } from './shop.ts';

const SECONDS = knob('SECONDS', 5);
const CROWD = { buyers: knob('RATE', 800) * SECONDS, seconds: SECONDS };
const ROADS = roads();
const UNITS = 30;

export const options: Options = {
  scenarios: oneAfterTheOther({ roads: ROADS, shape: even(CROWD), apartSeconds: lastClickSeconds(CROWD) + 2 }),
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    ...Object.fromEntries(
      ROADS.flatMap((road) => [
        [`answers{road:${road},kind:soldOut}`, [`count==${CROWD.buyers}`]],
        [`click_to_answer{road:${road}}`, ['p(95)<2000']],
      ]),
    ),
  },
};

const clickToAnswer = new Trend('click_to_answer', true);

export function setup() {
  setBank({ chargesPerSecond: 0, latencyMs: { p50: 0, p99: 0 } });
  return Object.fromEntries(ROADS.map((mode) => [mode, soldOutSale(mode)]));
}

/** Sold one by one, before the crowd: so that what a no takes can be held against what a yes took, on any machine. */
function soldOutSale(mode: Road): string {
  const saleId = openSale({ mode, stock: UNITS });
  const yes = Array.from({ length: UNITS }, (_, i) => buy(saleId, buyer(i)));
  const gone = until(() => buy(saleId, buyer(0)).kind === 'soldOut', 10_000);
  const no = Array.from({ length: UNITS }, () => buy(saleId, buyer(0)));
  check(null, {
    'every unit was sold': () => yes.every(({ kind }) => kind === 'yes'),
    'and the next is told so': () => gone && no.every(({ kind }) => kind === 'soldOut'),
    'a no takes less time than a yes': () => median(no) < median(yes),
  });
  return saleId;
}

const median = (answers: Answer[]) => answers.map(({ ms }) => ms).sort((a, b) => a - b)[answers.length / 2] ?? 0;

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => click(sales.queued);
export const direct = (sales: Sales) => click(sales.direct);

/** Who asks makes no difference any more, so it may be the same one. */
function click(saleId = '') {
  const due = dueNow(CROWD);
  if (!due) return;
  buy(saleId, buyer(0));
  clickToAnswer.add(waitedMs(due));
}
