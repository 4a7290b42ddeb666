// Units are reserved first and paid later: a third of the buyers pays, a third cancels, a third lets the hold expire.
// Unpaid units are on sale again in the end, in each mode.
// Buyers: 300
import { check, sleep } from 'k6';
import { Counter } from 'k6/metrics';
import { knob } from './knobs.ts';
import { eachClick, even } from './shapes.ts';
import {
  buy,
  buyer,
  cancel,
  finalOrder,
  inEachMode,
  openHoldSale,
  orderPast,
  pay,
  remaining,
  type Sales,
  until,
} from './shop.ts';
import { bothModes, inEach, modeNow } from './summary.ts';

const HOLD_SECONDS = 8;
const WITHIN_SECONDS = 20;
const STAYING = { share: 1, seconds: 2 * WITHIN_SECONDS };
const BURST = { buyers: 3 * Math.ceil(knob('BUYERS', 300) / 3), seconds: knob('SECONDS', 6), staying: STAYING };
const THIRD = BURST.buyers / 3;

export const options = bothModes({
  arrivals: even(BURST),
  apartSeconds: BURST.seconds + HOLD_SECONDS + 5,
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:yes}': inEach(`count==${BURST.buyers}`),
    'ended{as:confirmed}': inEach(`count==${THIRD}`),
    'ended{as:cancelled}': inEach(`count==${THIRD}`),
    'ended{as:expired}': inEach(`count==${THIRD}`),
  },
});

const ended = new Counter('ended');

export const setup = () => inEachMode((mode) => openHoldSale(mode, BURST.buyers, HOLD_SECONDS));

const PAID = { queued: 202, direct: 201 };

export default eachClick(BURST, (sales: Sales, { index }) => {
  const [token, mode] = [buyer(index), modeNow()];
  const { orderId } = buy(sales[mode], token);
  const reserved = orderPast(['queued'], orderId, token, WITHIN_SECONDS);
  check(reserved, { 'reserved first': (order) => order?.status === 'reserved' });
  if (!orderId) return;
  sleep(Math.random());
  if (index % 3 === 0) check(pay(orderId, token), { 'the payment is taken': (status) => status === PAID[mode] });
  if (index % 3 === 1) check(cancel(orderId, token), { 'cancelled at once': (status) => status === 200 });
  const final = finalOrder(orderId, token, WITHIN_SECONDS);
  ended.add(1, { as: final?.status ?? 'unknown' });
});

export function teardown(sales: Sales) {
  for (const saleId of Object.values(sales)) {
    const back = until(() => remaining(saleId) === BURST.buyers - THIRD, WITHIN_SECONDS);
    check(back, { 'unpaid units are on sale again': Boolean });
  }
}
