// A handful of orders in each mode, each followed until it is final: every part is up and responds as it should.
// Buyers: 5
import { check } from 'k6';
import { knob, modes } from './knobs.ts';
import { eachClick, even } from './shapes.ts';
import { buy, buyer, follow, openSales, type Sales } from './shop.ts';
import { bothModes, modeNow } from './summary.ts';

const BURST = { buyers: knob('BUYERS', 5), seconds: knob('SECONDS', 2), staying: { share: 1, seconds: 20 } };
const EXPECTED = { queued: 202, direct: 201 };

export const options = bothModes({
  arrivals: even(BURST),
  apartSeconds: BURST.seconds,
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:yes}': [`count==${modes().length * BURST.buyers}`],
  },
});

export const setup = () => openSales(BURST.buyers, 0);

export default eachClick(BURST, (sales: Sales, due) => {
  const token = buyer(due.index);
  const expected = EXPECTED[modeNow()];
  const { status, orderId } = buy(sales[modeNow()], token);
  check(null, { [`status ${expected}`]: () => status === expected });
  follow(orderId, token, BURST.staying.seconds, due);
});
