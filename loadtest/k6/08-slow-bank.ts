// The bank falls to a tenth of its capacity for a while, and recovers: the queue grows and drains, clicks are accepted
// as before, and no order is lost. Queued only; direct calls would refuse what the bank cannot take.
// Buyers: 1800
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob } from './knobs.ts';
import { eachClick, even, ONE, once } from './shapes.ts';
import { buy, buyer, follow, openSale, order, setBank } from './shop.ts';

const SECONDS = knob('SECONDS', 30);
const PER_SECOND = knob('RATE', 60);
const BANK = knob('BANK', 100);
/** The bank is slow in the second third. */
const [SLOW_FROM, SLOW_UNTIL] = [SECONDS / 3, (2 * SECONDS) / 3];
/** The queue of that third then shares the bank with the buyers who still come. */
const FINAL_WITHIN_SECONDS = 30 + (PER_SECOND * SECONDS) / BANK;
const STAYING = { share: 1 / PER_SECOND, seconds: FINAL_WITHIN_SECONDS };
const BURST = { buyers: PER_SECOND * SECONDS, seconds: SECONDS, staying: STAYING };

export const options: Options = {
  scenarios: {
    burst: even(BURST),
    slow: { ...once(5), exec: 'slow', startTime: `${SLOW_FROM}s` },
    back: { ...once(5), exec: 'back', startTime: `${SLOW_UNTIL}s` },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:yes}': [`count==${BURST.buyers}`],
    'click_to_response{bank:well}': ['p(95)<2000'],
    'click_to_response{bank:slow}': ['p(95)<2000'],
    'queue_position{bank:slow}': [`max>${Math.floor((PER_SECOND - BANK / 10) * (SECONDS / 3) * 0.5)}`],
    'click_to_final{bank:slow}': [`max<${FINAL_WITHIN_SECONDS * 1_000}`],
    'click_to_final{bank:back}': [`max<${FINAL_WITHIN_SECONDS * 1_000}`],
  },
};

const queuePosition = new Trend('queue_position');

export const setup = () => openSale('queued', BURST.buyers, BANK);

export const slow = eachClick(ONE, () => setBank(BANK / 10));
export const back = eachClick(ONE, () => setBank(BANK));

export default eachClick(BURST, (saleId: string, due) => {
  const second = due.index / PER_SECOND;
  const tags = { bank: second < SLOW_FROM ? 'well' : second < SLOW_UNTIL ? 'slow' : 'back' };
  const token = buyer(due.index);
  const { orderId } = buy(saleId, token, due, tags);
  // One buyer in each second reads the position, and follows the order until it is final.
  if (!orderId || due.index % PER_SECOND > 0) return;
  queuePosition.add(order(orderId, token)?.position ?? 0, tags);
  follow(orderId, token, FINAL_WITHIN_SECONDS, due, tags);
});
