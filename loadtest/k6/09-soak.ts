// Well below what the shop can do, for as long as it is set to: nothing is refused, and the end is as quick as the start.
// Buyers: 12000
import { knob } from './knobs.ts';
import { eachClick, even } from './shapes.ts';
import { buy, buyer, follow, inEachMode, openSale, type Sales } from './shop.ts';
import { bothModes, inEach, modeNow } from './summary.ts';

const SECONDS = Math.ceil(knob('SOAK_MINUTES', 3) * 60);
const PER_SECOND = knob('RATE', 15);
/** A sale takes each buyer once, so a long soak has several sales, one after the other. */
const SALE_SECONDS = 600;
const PER_SALE = PER_SECOND * SALE_SECONDS;
const FOLLOWED = { share: 1 / 20, seconds: 20 };
const CLICKS = { buyers: PER_SECOND * SECONDS, seconds: SECONDS, staying: FOLLOWED };

export const options = bothModes({
  setupTimeout: '5m',
  arrivals: even(CLICKS),
  apartSeconds: 0,
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:yes}': inEach(`count==${CLICKS.buyers}`),
    'click_to_response{part:first}': inEach('p(95)<2000'),
    'click_to_response{part:last}': inEach('p(95)<2000'),
  },
});

export function setup() {
  const count = Math.ceil(SECONDS / SALE_SECONDS);
  return inEachMode((mode) => Array.from({ length: count }, () => openSale(mode, PER_SALE, knob('BANK', 100))));
}

export default eachClick(CLICKS, (sales: Sales<string[]>, due) => {
  const saleId = sales[modeNow()][Math.floor(due.index / PER_SALE)] ?? '';
  const token = buyer(due.index % PER_SALE);
  const third = Math.floor((3 * due.index) / CLICKS.buyers);
  const { orderId } = buy(saleId, token, due, { part: ['first', 'middle', 'last'][third] });
  if (!orderId || due.index % (1 / FOLLOWED.share) > 0) return;
  follow(orderId, token, FOLLOWED.seconds, due);
});
