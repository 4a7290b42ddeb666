// The sale is sold out, and the clicks go on: each refusal costs the shop next to nothing, and comes at once.
// Buyers: 30
import { check } from 'k6';
import { knob, type Mode } from './knobs.ts';
import { eachClick, even, lastClickSeconds } from './shapes.ts';
import { buy, buyer, inEachMode, NO_LATENCY, openSale, type Sales, until } from './shop.ts';
import { bothModes, inEach, modeNow } from './summary.ts';

const SECONDS = knob('SECONDS', 5);
const BURST = { buyers: knob('RATE', 800) * SECONDS, seconds: SECONDS };
const UNITS = 30;

export const options = bothModes({
  arrivals: even(BURST),
  apartSeconds: lastClickSeconds(BURST) + 2,
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'outcomes{kind:soldOut}': inEach(`count==${BURST.buyers}`),
    click_to_response: inEach('p(95)<2000'),
  },
});

export const setup = () => inEachMode(soldOutSale);

/** Sold one by one before the burst, so that a refusal's time can be compared with a yes on any machine. */
function soldOutSale(mode: Mode): string {
  const saleId = openSale(mode, UNITS, 0, NO_LATENCY);
  const yes = Array.from({ length: UNITS }, (_, i) => buy(saleId, buyer(i)));
  const gone = until(() => buy(saleId, buyer(0)).kind === 'soldOut', 10);
  const no = Array.from({ length: UNITS }, () => buy(saleId, buyer(0)));
  check(null, {
    'every unit was sold': () => yes.every(({ kind }) => kind === 'yes'),
    'the next click is refused as sold out': () => gone === true && no.every(({ kind }) => kind === 'soldOut'),
    'a no takes less time than a yes': () => median(no) < median(yes),
  });
  return saleId;
}

const median = (clicks: { ms: number }[]) => clicks.map(({ ms }) => ms).sort((a, b) => a - b)[clicks.length / 2] ?? 0;

// Always the same buyer: it makes no difference any more.
export default eachClick(BURST, (sales: Sales, due) => void buy(sales[modeNow()], buyer(0), due));
