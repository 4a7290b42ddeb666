// More and more clicks, twice as many on each rung, until answers take longer than a second or are no longer yes: the knee of
// each road, with units for everybody and a bank without limit. On one machine, generator and shop share what there is.
// Buyers: 9450
import { Counter, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { kneeLines, rungThresholds } from './knee.ts';
import { knob, type Road, roads } from './knobs.ts';
import { climb, dueNow, ladder, rungNow, rungSeconds, waitedMs } from './shapes.ts';
import { buy, buyer, openSale, setBank } from './shop.ts';
import { type Data, say } from './summary.ts';

const SECONDS = knob('SECONDS', 3);
const RUNGS = ladder(knob('TOP', 1_600), 6, SECONDS);
/** Until what was left over from the first road has been answered: as long as a click waits. */
const PAUSE_SECONDS = 12;
const CLICKS = RUNGS.reduce((sum, { buyers }) => sum + buyers, 0);
// The direct road first, for it leaves no line behind that the other would have to share the machine with.
const ROADS = roads().reverse();

export const options: Options = {
  summaryTrendStats: ['med', 'p(99)', 'max'],
  scenarios: Object.assign(
    {},
    ...ROADS.map((road, i) => climb(RUNGS, road, i * (RUNGS.length * rungSeconds(SECONDS) + PAUSE_SECONDS), { road })),
  ),
  thresholds: {
    'answers{kind:error}': ['count==0'],
    'answers{kind:soldOut}': ['count==0'],
    ...Object.assign({}, ...ROADS.map((road) => rungThresholds(RUNGS, { road }))),
  },
};

const done = new Counter('done');
const answered = new Trend('answered', true);
const late = new Trend('late', true);

export function setup() {
  setBank({ chargesPerSecond: 0 });
  return Object.fromEntries(ROADS.map((mode) => [mode, openSale({ mode, stock: CLICKS + 1 })]));
}

type Sales = ReturnType<typeof setup>;
export const queued = (sales: Sales) => click(sales.queued);
export const direct = (sales: Sales) => click(sales.direct);

function click(saleId = '') {
  const rung = rungNow(RUNGS);
  const due = rung && dueNow(rung);
  if (!due) return;
  late.add(waitedMs(due));
  const { kind } = buy(saleId, buyer(rung.clicksBefore + due.index));
  answered.add(waitedMs(due));
  if (kind === 'yes') done.add(1);
}

export const handleSummary = (data: Data) =>
  say(
    data,
    ROADS.flatMap((road: Road) => kneeLines(data, road, RUNGS, { road })),
  );
