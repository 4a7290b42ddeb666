// Each service by itself, called as its neighbours call it, and where its own knee is: inventory holds and releases a unit,
// payment charges and voids, orders carries a whole order to its end (and calls the other two for it).
// Buyers: 0
import { check } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { kneeLines, rungThresholds } from './knee.ts';
import { knob } from './knobs.ts';
import { chargeAndVoid, epochOf, type Order, orderIdOf, placeOrder, reopen, reserveAndRelease } from './services.ts';
import { climb, dueNow, ladder, rungNow, rungSeconds, waitedMs } from './shapes.ts';
import { openSale, setBank } from './shop.ts';
import { type Data, say } from './summary.ts';

const SECONDS = knob('SECONDS', 2);
const RUNGS = ladder(knob('TOP', 400), 4, SECONDS);
const PAUSE_SECONDS = 3;
const CALLS = RUNGS.reduce((sum, { buyers }) => sum + buyers, 0);
// Payment last: it goes on reversing when it has answered.
const SERVICES = { inventory: reserveAndRelease, orders: placeOrder, payment: chargeAndVoid };
type Service = keyof typeof SERVICES;
const NAMES = Object.keys(SERVICES) as Service[];

export const options: Options = {
  summaryTrendStats: ['med', 'p(99)', 'max'],
  scenarios: Object.assign(
    {},
    ...NAMES.map((service, i) =>
      climb(RUNGS, service, i * (RUNGS.length * rungSeconds(SECONDS) + PAUSE_SECONDS), { on: service }),
    ),
  ),
  thresholds: {
    checks: ['rate==1'],
    ...Object.assign({}, ...NAMES.map((service) => rungThresholds(RUNGS, { on: service }))),
  },
};

const done = new Counter('done');
const answered = new Trend('answered', true);
const late = new Trend('late', true);

export function setup() {
  setBank({ chargesPerSecond: 0, latencyMs: { p50: 0, p99: 0 } });
  const saleId = openSale({ mode: 'direct', stock: CALLS + 1 });
  return { saleId, epoch: epochOf(saleId) };
}

type Sale = ReturnType<typeof setup>;
export const inventory = (sale: Sale) => callOnce(sale, 'inventory');
export const payment = (sale: Sale) => callOnce(sale, 'payment');
export const orders = (sale: Sale) => callOnce(sale, 'orders');

function callOnce(sale: Sale, service: Service) {
  const rung = rungNow(RUNGS);
  const due = rung && dueNow(rung);
  if (!due) return;
  late.add(waitedMs(due));
  const number = rung.clicksBefore + due.index;
  const order: Order = { ...sale, orderId: orderIdOf(NAMES.indexOf(service), number), buyerId: `${service}-${number}` };
  const isDone = SERVICES[service](order);
  answered.add(waitedMs(due));
  if (isDone) done.add(1);
}

export function teardown({ saleId }: Sale) {
  check(null, { 'the gate is told to learn of them': () => reopen(saleId) });
}

export const handleSummary = (data: Data) =>
  say(
    data,
    NAMES.flatMap((service) => kneeLines(data, service, RUNGS, { on: service })),
  );
