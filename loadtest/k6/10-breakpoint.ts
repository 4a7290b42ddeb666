// Twice as many clicks on each rung, until responses take longer than a second or are no longer yes: the knee of each
// mode, with stock for every buyer and a bank without limit. Generator and shop share one machine.
// Buyers: 9450
import { knob, modes } from './knobs.ts';
import { clicksOf, ladder } from './shapes.ts';
import { buy, buyer, openSales, type Sales } from './shop.ts';
import { climb, climbing, type Data, kneeLines, modeNow, print } from './summary.ts';

// Direct first: it leaves no queue that the other would have to share the machine with.
const RUNGS = ladder('mode', modes().reverse(), { top: knob('TOP', 1_600), rungs: 6, seconds: knob('SECONDS', 3) });

export const options = climbing({
  rungs: RUNGS,
  thresholds: { 'outcomes{kind:error}': ['count==0'], 'outcomes{kind:soldOut}': ['count==0'] },
});

export const setup = () => openSales(clicksOf(RUNGS) + 1, 0);

export default (sales: Sales) => climb(RUNGS, (index) => buy(sales[modeNow()], buyer(index)).kind === 'yes');

export const handleSummary = (data: Data) => print(data, kneeLines(data, RUNGS));
