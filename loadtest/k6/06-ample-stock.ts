// A unit for every buyer and a bank that makes none of them wait: how fast orders are recorded when none is refused.
// Buyers: 1500
import { knob } from './knobs.ts';
import { eachClick, even, lastClickSeconds } from './shapes.ts';
import { buy, buyer, follow, NO_LATENCY, openSales, type Sales } from './shop.ts';
import { bothModes, inEach, modeNow, SHOWN } from './summary.ts';

const SECONDS = knob('SECONDS', 10);
/** One order in so many is followed until it is final: following all would be a load of its own. */
const FOLLOWED = 25;
const STAYING = { share: 1 / FOLLOWED, seconds: 30 };
const BURST = { buyers: knob('RATE', 150) * SECONDS, seconds: SECONDS, staying: STAYING };

export const options = bothModes({
  arrivals: even(BURST),
  apartSeconds: lastClickSeconds(BURST) + 5,
  thresholds: {
    checks: ['rate==1'],
    'outcomes{kind:error}': ['count==0'],
    'outcomes{kind:soldOut}': ['count==0'],
    'outcomes{kind:yes}': { queued: `count==${BURST.buyers}`, direct: 'count>0' },
    'outcomes{kind:busy}': { queued: 'count==0', direct: SHOWN },
    click_to_response: { queued: 'p(95)<2000', direct: 'p(95)<5000' },
    click_to_final: inEach(`p(99)<${STAYING.seconds * 1_000}`),
  },
});

export const setup = () => openSales(BURST.buyers + 1, 0, NO_LATENCY);

export default eachClick(BURST, (sales: Sales, due) => {
  const token = buyer(due.index);
  const { kind, orderId } = buy(sales[modeNow()], token, due);
  if (kind !== 'yes' || due.index % FOLLOWED > 0) return;
  follow(orderId, token, STAYING.seconds, due);
});
