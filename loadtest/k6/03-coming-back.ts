// The same opening, but a refused buyer comes back after Retry-After, with jitter: without a queue the sale sells
// out too, with several times the requests, and not to the buyers who came first.
// Buyers: 900
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
import { knob, type Mode, modes } from './knobs.ts';
import { eachClick, even, lastClickSeconds } from './shapes.ts';
import { buy, buyer, finalOrder, openSales, type Sales } from './shop.ts';
import { bothModes, type Data, inEach, modeNow, print, SHOWN, value } from './summary.ts';

const UNITS = knob('UNITS', 300);
const GIVES_UP_SECONDS = 25;
const STAYING = { share: 1, seconds: GIVES_UP_SECONDS + 5 };
const BURST = { buyers: knob('BUYERS', 900), seconds: knob('SECONDS', 2), staying: STAYING };

export const options = bothModes({
  arrivals: even(BURST),
  apartSeconds: lastClickSeconds(BURST) + GIVES_UP_SECONDS,
  thresholds: {
    'outcomes{kind:error}': ['count==0'],
    served: inEach(`count==${UNITS}`),
    'served{among:first}': inEach(SHOWN),
    outcomes: inEach(SHOWN),
    'outcomes{kind:busy}': { queued: 'count==0', direct: SHOWN },
  },
});

const served = new Counter('served');

export const setup = () => openSales(UNITS, knob('BANK', 50));

/** Clicks until the buyer has a unit, the sale is sold out, or the buyer gives up. */
export default eachClick(BURST, (sales: Sales, { index }) => {
  const token = buyer(index);
  for (const giveUpAt = Date.now() + GIVES_UP_SECONDS * 1_000; Date.now() < giveUpAt; ) {
    const { kind, orderId, retryAfterSeconds } = buy(sales[modeNow()], token);
    const confirmed = kind === 'yes' || (kind === 'unknown' && finalOrder(orderId, token, 5)?.status === 'confirmed');
    if (confirmed) return served.add(1, { among: index < UNITS ? 'first' : 'later' });
    if (!['busy', 'tooLate', 'unknown'].includes(kind)) return;
    sleep(retryAfterSeconds + Math.random());
  }
});

export const handleSummary = (data: Data) => print(data, modes().map(sentence(data)));

const sentence = (data: Data) => (mode: Mode) => {
  const count = (metric: string, tags = {}) => value(data, metric, 'count', { mode, ...tags });
  const [clicks, units, first] = [count('outcomes'), count('served'), count('served', { among: 'first' })];
  const sold = `${units} of ${UNITS} units to ${BURST.buyers} buyers`;
  const cost = `in ${clicks} clicks, ${(clicks / units).toFixed(1)} for each`;
  return `${mode.padEnd(6)}  ${sold} ${cost}; ${first} to the first ${UNITS} who came`;
};
