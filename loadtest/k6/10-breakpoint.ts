// More and more clicks, twice as many on each rung, until answers take longer than a second or are no longer yes: the knee of
// each mode, with stock for every buyer and a bank without limit. Generator and shop share one machine.
// Buyers: 9450
import { knob, modes } from './knobs.ts';
import { clicksOf, ladder } from './shapes.ts';
import { buy, buyer, openSales, type Sales } from './shop.ts';
import { climb, climbing, type Data, kneeLines, modeNow, print } from './summary.ts';

/** As long as a click waits, so that all that the first mode left over has been answered. */
const PAUSE = { pauseSeconds: 12 };
const CLIMB = { top: knob('TOP', 1_600), rungs: 6, seconds: knob('SECONDS', 3), ...PAUSE };
// Direct first, because it leaves no queue behind that the other would have to share the machine with.
const RUNGS = ladder(CLIMB, 'mode', modes().reverse());

export const options = climbing({
  rungs: RUNGS,
  thresholds: { 'answers{kind:error}': ['count==0'], 'answers{kind:soldOut}': ['count==0'] },
});

export const setup = () => openSales(clicksOf(RUNGS) + 1, 0);

export default (sales: Sales) => climb(RUNGS, (index) => buy(sales[modeNow()], buyer(index)).kind === 'yes');

export const handleSummary = (data: Data) => print(data, kneeLines(data, RUNGS));
