// The opening again, but whoever is refused comes back after Retry-After, with jitter. The honest end: without a queue the
// sale sells out too, with several times the requests, and not to those who came first.
// Buyers: 900
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob, type Road, roads } from './knobs.ts';
import { dueNow, even, lastClickSeconds, oneAfterTheOther, shown } from './shapes.ts';
import { buy, buyer, openSale, orderWhenFinal, setBank } from './shop.ts';
import { type Data, say, value } from './summary.ts';

const UNITS = knob('UNITS', 300);
const PATIENCE_SECONDS = 25;
const STAYING = { share: 1, seconds: PATIENCE_SECONDS + 5 };
const CROWD = { buyers: knob('BUYERS', 900), seconds: knob('SECONDS', 2), staying: STAYING };
const BANK = { chargesPerSecond: knob('BANK', 100) };
const ROADS = roads();

const served = new Counter('served');
const PARTS = [
  'served{road:ROAD}',
  'served{road:ROAD,among:first}',
  'answers{road:ROAD}',
  'answers{road:ROAD,kind:busy}',
];

export const options: Options = {
  scenarios: oneAfterTheOther({
    roads: ROADS,
    shape: even(CROWD),
    apartSeconds: lastClickSeconds(CROWD) + PATIENCE_SECONDS,
  }),
  thresholds: {
    dropped_iterations: ['count==0'],
    'answers{kind:error}': ['count==0'],
    ...Object.fromEntries(ROADS.flatMap((road) => PARTS.map((part) => [part.replace('ROAD', road), shown]))),
    ...Object.fromEntries(ROADS.map((road) => [`served{road:${road}}`, [`count==${UNITS}`]])),
    ...(ROADS.includes('queued') && { 'answers{road:queued,kind:busy}': ['count==0'] }),
  },
};

export function setup() {
  setBank(BANK);
  return Object.fromEntries(ROADS.map((mode) => [mode, openSale({ mode, stock: UNITS })]));
}

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => want(sales.queued);
export const direct = (sales: Sales) => want(sales.direct);

/** Until there is one, or none is left, or patience. */
function want(saleId = '') {
  const due = dueNow(CROWD);
  if (!due) return;
  const token = buyer(due.index);
  for (const giveUpAt = Date.now() + PATIENCE_SECONDS * 1_000; Date.now() < giveUpAt; ) {
    const { kind, orderId, retryAfterSeconds } = buy(saleId, token);
    const confirmed = kind === 'yes' || (kind === 'unknown' && orderId !== null && isConfirmed(orderId, token));
    if (confirmed) return served.add(1, { among: due.index < UNITS ? 'first' : 'later' });
    if (kind !== 'busy' && kind !== 'tooLate' && kind !== 'unknown') return;
    sleep((retryAfterSeconds ?? 1) + Math.random());
  }
}

const isConfirmed = (orderId: string, token: string) => orderWhenFinal(orderId, token, 5_000)?.status === 'confirmed';

export const handleSummary = (data: Data) =>
  say(
    data,
    ROADS.map((road) => sentence(data, road)),
  );

function sentence(data: Data, road: Road): string {
  const clicks = value(data, 'answers', 'count', { road });
  const units = value(data, 'served', 'count', { road });
  const first = value(data, 'served', 'count', { road, among: 'first' });
  const perUnit = (clicks / units).toFixed(1);
  return `${road.padEnd(6)}  ${units} of ${UNITS} units to ${CROWD.buyers} buyers in ${clicks} clicks, ${perUnit} for each; ${first} to the first ${UNITS} who came`;
}
