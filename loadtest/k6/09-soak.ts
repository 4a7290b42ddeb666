// Well below what it can do, for as long as you like: nothing may be refused, and the last part must still be quick, as the first.
// Buyers: 12000
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob, type Road, roads } from './knobs.ts';
import { dueNow, even, waitedMs } from './shapes.ts';
import { buy, buyer, openSale, orderWhenFinal, setBank } from './shop.ts';

const SECONDS = Math.ceil(knob('SOAK_MINUTES', 3) * 60);
const PER_SECOND = knob('RATE', 15);
/** A sale takes each buyer once, so a long soak has several, one after the other. */
const SALE_SECONDS = 600;
const CLICKS = { buyers: PER_SECOND * SECONDS, seconds: SECONDS };
const FOLLOWED = { share: 1 / 20, seconds: 20 };
const ROADS = roads();

export const options: Options = {
  setupTimeout: '5m',
  scenarios: Object.fromEntries(
    ROADS.map((road) => [road, { ...even({ ...CLICKS, staying: FOLLOWED }), exec: road, tags: { road } }]),
  ),
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    ...Object.assign({}, ...ROADS.map(thresholdsOf)),
  },
};

function thresholdsOf(road: Road) {
  return {
    [`answers{road:${road},kind:yes}`]: [`count==${CLICKS.buyers}`],
    [`click_to_answer{road:${road},part:first}`]: ['p(95)<2000'],
    [`click_to_answer{road:${road},part:last}`]: ['p(95)<2000'],
  };
}

const clickToAnswer = new Trend('click_to_answer', true);

export function setup() {
  setBank({ chargesPerSecond: knob('BANK', 100) });
  const sales = Math.ceil(SECONDS / SALE_SECONDS);
  const open = (mode: Road) =>
    Array.from({ length: sales }, () => openSale({ mode, stock: PER_SECOND * SALE_SECONDS }));
  return Object.fromEntries(ROADS.map((mode) => [mode, open(mode)]));
}

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => click(sales.queued);
export const direct = (sales: Sales) => click(sales.direct);

function click(sales: string[] = []) {
  const due = dueNow(CLICKS);
  if (!due) return;
  const perSale = PER_SECOND * SALE_SECONDS;
  const token = buyer(due.index % perSale);
  const { orderId } = buy(sales[Math.floor(due.index / perSale)] ?? '', token);
  const third = Math.floor((3 * due.index) / CLICKS.buyers);
  clickToAnswer.add(waitedMs(due), { part: ['first', 'middle', 'last'][third] ?? 'last' });
  if (!orderId || due.index % (1 / FOLLOWED.share) > 0) return;
  const final = orderWhenFinal(orderId, token, FOLLOWED.seconds * 1_000);
  check(null, { 'confirmed in the end': () => final?.status === 'confirmed' });
}
