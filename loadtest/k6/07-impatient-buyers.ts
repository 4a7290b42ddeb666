// A few buyers click repeatedly, and read their order after each click: one order each, whatever they do. More than ten
// clicks a second of one buyer get a 429.
// Buyers: 20
import { check } from 'k6';
import type { Options } from 'k6/options';
import { knob } from './knobs.ts';
import { eachClick, even } from './shapes.ts';
import { buy, buyer, openSale, ownOrder, remaining } from './shop.ts';

const [BUYERS, SECONDS, CLICKS_PER_SECOND] = [knob('BUYERS', 20), knob('SECONDS', 5), 20];
const CLICKS = { buyers: BUYERS * CLICKS_PER_SECOND * SECONDS, seconds: SECONDS };
const UNITS = BUYERS * 2;

export const options: Options = {
  scenarios: { impatient: even(CLICKS) },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    outcomes: [`count==${CLICKS.buyers}`],
    'outcomes{kind:yes}': [`count==${BUYERS}`],
    'outcomes{kind:limit}': ['count>0'],
    'outcomes{kind:rateLimited}': ['count>0'],
    'outcomes{kind:error}': ['count==0'],
  },
};

export const setup = () => openSale('queued', UNITS, knob('BANK', 100));

export default eachClick(CLICKS, (saleId: string, { index }) => {
  const token = buyer(index % BUYERS);
  const { kind, orderId } = buy(saleId, token);
  // A 429 does not show whether there is an order yet.
  if (kind === 'rateLimited') return;
  const mine = ownOrder(saleId, token);
  check(null, {
    'the buyer has an order': () => mine !== undefined,
    'it is the one that the response named': () => orderId === null || orderId === mine,
  });
});

export function teardown(saleId: string) {
  check(null, { 'one unit each was taken': () => remaining(saleId) === UNITS - BUYERS });
}
