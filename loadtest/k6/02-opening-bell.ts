// From nothing to the peak within one second, and whoever is answered 503 goes home: the queue takes all who come while there
// are units; calls take as many as the bank can serve just then, and turn the rest away with units on the shelf.
// Buyers: 1600
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { knob, type Road, roads } from './knobs.ts';
import { oneAfterTheOther, openingBell, shown } from './shapes.ts';
import { buy, buyer, openSale, setBank } from './shop.ts';

const UNITS = knob('UNITS', 300);
const BELL = { peak: knob('RATE', 500), seconds: knob('SECONDS', 3) };
const BANK = { chargesPerSecond: knob('BANK', 100) };
const ROADS = roads();
/** When the second crowd comes, the line that the first left has ended. */
const LINE_SECONDS = 10 + (BANK.chargesPerSecond && UNITS / BANK.chargesPerSecond);

export const options: Options = {
  scenarios: oneAfterTheOther({
    roads: ROADS,
    shape: openingBell(BELL),
    apartSeconds: BELL.seconds + LINE_SECONDS,
  }),
  thresholds: {
    dropped_iterations: ['count==0'],
    'answers{kind:error}': ['count==0'],
    ...Object.assign({}, ...ROADS.map(thresholdsOf)),
  },
};

function thresholdsOf(road: Road) {
  const queued = road === 'queued';
  return {
    [`answers{road:${road},kind:yes}`]: [queued ? `count==${UNITS}` : 'count>0'],
    [`answers{road:${road},kind:busy}`]: queued ? ['count==0'] : shown,
    [`answers{road:${road},kind:tooLate}`]: queued ? ['count==0'] : shown,
    [`answers{road:${road},kind:unknown}`]: queued ? ['count==0'] : shown,
    [`answers{road:${road},kind:soldOut}`]: queued ? ['count>0'] : shown,
    [`http_req_duration{road:${road},name:buy}`]: [queued ? 'p(95)<2000' : 'p(95)<5000'],
  };
}

export function setup() {
  setBank(BANK);
  return Object.fromEntries(ROADS.map((mode) => [mode, openSale({ mode, stock: UNITS })]));
}

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => click(sales.queued);
export const direct = (sales: Sales) => click(sales.direct);

const click = (saleId = '') => void buy(saleId, buyer(exec.scenario.iterationInTest));
