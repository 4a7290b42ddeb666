// Units for everybody and a bank that never makes anybody wait: no refusals are measured, but how fast orders are written down.
// Buyers: 1500
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob, type Road, roads } from './knobs.ts';
import { dueNow, even, lastClickSeconds, oneAfterTheOther, shown, waitedMs } from './shapes.ts';
import { buy, buyer, openSale, orderWhenFinal, setBank } from './shop.ts';

const SECONDS = knob('SECONDS', 10);
const FINAL_WITHIN_SECONDS = 30;
const CROWD = { buyers: knob('RATE', 150) * SECONDS, seconds: SECONDS };
/** Of the queued orders every so many'th is followed to its end: asking about all would be a load of its own. */
const FOLLOWED = 25;
const ROADS = roads();

export const options: Options = {
  scenarios: oneAfterTheOther({
    roads: ROADS,
    shape: even({ ...CROWD, staying: { share: 1 / FOLLOWED, seconds: FINAL_WITHIN_SECONDS } }),
    apartSeconds: lastClickSeconds(CROWD) + 5,
  }),
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    'answers{kind:error}': ['count==0'],
    'answers{kind:soldOut}': ['count==0'],
    ...Object.assign({}, ...ROADS.map(thresholdsOf)),
  },
};

function thresholdsOf(road: Road) {
  const queued = road === 'queued';
  return {
    [`answers{road:${road},kind:yes}`]: [queued ? `count==${CROWD.buyers}` : 'count>0'],
    [`answers{road:${road},kind:busy}`]: queued ? ['count==0'] : shown,
    [`click_to_answer{road:${road}}`]: [queued ? 'p(95)<2000' : 'p(95)<5000'],
    [`click_to_final{road:${road}}`]: [`p(99)<${FINAL_WITHIN_SECONDS * 1_000}`],
  };
}

const clickToAnswer = new Trend('click_to_answer', true);
const clickToFinal = new Trend('click_to_final', true);

export function setup() {
  setBank({ chargesPerSecond: 0, latencyMs: { p50: 0, p99: 0 } });
  return Object.fromEntries(ROADS.map((mode) => [mode, openSale({ mode, stock: CROWD.buyers + 1 })]));
}

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => click(sales.queued);
export const direct = (sales: Sales) => click(sales.direct);

function click(saleId = '') {
  const due = dueNow(CROWD);
  if (!due) return;
  const token = buyer(due.index);
  const { status, orderId } = buy(saleId, token);
  const waited = waitedMs(due);
  clickToAnswer.add(waited);
  // A 201 is the result itself.
  if (status === 201) clickToFinal.add(waited);
  if (status !== 202 || !orderId || due.index % FOLLOWED > 0) return;
  const final = orderWhenFinal(orderId, token, FINAL_WITHIN_SECONDS * 1_000);
  check(final, { 'confirmed in the end': () => final?.status === 'confirmed' });
  if (final?.decidedAt) clickToFinal.add(final.decidedAt - due.dueAt);
}
