// A handful of orders down each road, each followed to its end: everything is up, and everything answers as it should.
// Buyers: 5
import { check } from 'k6';
import type { Options } from 'k6/options';
import { knob, roads } from './knobs.ts';
import { dueNow, even, oneAfterTheOther } from './shapes.ts';
import { buy, buyer, openSale, orderWhenFinal, setBank } from './shop.ts';

const FINAL_WITHIN_SECONDS = 20;
const STAYING = { share: 1, seconds: FINAL_WITHIN_SECONDS };
const CROWD = { buyers: knob('BUYERS', 5), seconds: knob('SECONDS', 2), staying: STAYING };
const ROADS = roads();

export const options: Options = {
  scenarios: oneAfterTheOther({ roads: ROADS, shape: even(CROWD), apartSeconds: CROWD.seconds }),
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    'answers{kind:yes}': [`count==${ROADS.length * CROWD.buyers}`],
  },
};

export function setup() {
  setBank({ chargesPerSecond: 0 });
  return Object.fromEntries(ROADS.map((mode) => [mode, openSale({ mode, stock: CROWD.buyers })]));
}

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => order(sales.queued, 202);
export const direct = (sales: Sales) => order(sales.direct, 201);

function order(saleId = '', expected: number) {
  const due = dueNow(CROWD);
  if (!due) return;
  const token = buyer(due.index);
  const { status, orderId } = buy(saleId, token);
  const final = orderId && orderWhenFinal(orderId, token, FINAL_WITHIN_SECONDS * 1_000);
  check(null, {
    [`answered ${expected}`]: () => status === expected,
    'confirmed in the end': () => final !== null && final !== '' && final.status === 'confirmed',
  });
}
