// Everything is gone, and the crowd is still there: each click costs the shop next to nothing, and is told so at once.
// Buyers: 1
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob, roads } from './knobs.ts';
import { dueNow, even, lastClickSeconds, oneAfterTheOther, waitedMs } from './shapes.ts';
import { buy, buyer, openSale, setBank, until } from './shop.ts';

const SECONDS = knob('SECONDS', 5);
const CROWD = { buyers: knob('RATE', 800) * SECONDS, seconds: SECONDS };
const ROADS = roads();

export const options: Options = {
  scenarios: oneAfterTheOther({ roads: ROADS, shape: even(CROWD), apartSeconds: lastClickSeconds(CROWD) + 2 }),
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    ...Object.fromEntries(
      ROADS.flatMap((road) => [
        [`answers{road:${road},kind:soldOut}`, [`count==${CROWD.buyers}`]],
        [`click_to_answer{road:${road}}`, ['p(95)<1000']],
      ]),
    ),
  },
};

const clickToAnswer = new Trend('click_to_answer', true);

export function setup() {
  setBank({ chargesPerSecond: 0 });
  return Object.fromEntries(ROADS.map((mode) => [mode, soldOutSale(mode)]));
}

function soldOutSale(mode: 'queued' | 'direct'): string {
  const saleId = openSale({ mode, stock: 1 });
  const first = buy(saleId, buyer(0)).kind;
  const gone = until(() => buy(saleId, buyer(0)).kind === 'soldOut', 10_000);
  check(null, { 'the one unit was sold': () => first === 'yes', 'and the next is told so': () => gone });
  return saleId;
}

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
