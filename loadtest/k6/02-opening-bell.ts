// From nothing to the peak within a second, and a buyer who gets a 503 does not come back: the queue accepts every
// click while stock lasts, direct calls accept what the bank can take just then and refuse the rest.
// Buyers: 1600
import exec from 'k6/execution';
import { knob } from './knobs.ts';
import { openingBell } from './shapes.ts';
import { buy, buyer, openSales, type Sales } from './shop.ts';
import { bothModes, modeNow, SHOWN } from './summary.ts';

const UNITS = knob('UNITS', 300);
const BELL = { peak: knob('RATE', 500), seconds: knob('SECONDS', 3) };
const BANK = knob('BANK', 100);

export const options = bothModes({
  arrivals: openingBell(BELL),
  // The queue of the first burst is empty before the second one.
  apartSeconds: BELL.seconds + 10 + (BANK && UNITS / BANK),
  thresholds: {
    'outcomes{kind:error}': ['count==0'],
    'outcomes{kind:yes}': { queued: `count==${UNITS}`, direct: 'count>0' },
    'outcomes{kind:busy}': { queued: 'count==0', direct: SHOWN },
    'outcomes{kind:tooLate}': { queued: 'count==0', direct: SHOWN },
    'outcomes{kind:unknown}': { queued: 'count==0', direct: SHOWN },
    'outcomes{kind:soldOut}': { queued: 'count>0', direct: SHOWN },
    'http_req_duration{name:buy}': { queued: 'p(95)<2000', direct: 'p(95)<5000' },
  },
});

export const setup = () => openSales(UNITS, BANK);

export default (sales: Sales) => void buy(sales[modeNow()], buyer(exec.scenario.iterationInTest));
