// The same arrivals on a queued and on a direct sale: who is told yes, how soon, and who is turned away while there are units.
// Buyers: 1500
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob, type Road, roads } from './knobs.ts';
import { dueNow, even, lastClickSeconds, ONE, once, oneAfterTheOther, shown } from './shapes.ts';
import { buy, buyer, chargesSince, openSale, setBank, until } from './shop.ts';

const UNITS = knob('UNITS', 500);
const CROWD = { buyers: knob('BUYERS', 1_500), seconds: knob('SECONDS', 3) };
const BANK = { chargesPerSecond: knob('BANK', 100) };
const FIRST_BUYER = knob('FIRST_BUYER', 0);
const CLICKS = knob('CLICKS', 0) === 1;
const ROADS = roads();

/** What the queue holds when the crowd has left, at the bank's pace, and a little more. */
const LINE_SECONDS = 15 + (BANK.chargesPerSecond && Math.min(UNITS, CROWD.buyers) / BANK.chargesPerSecond);
const LEFT_SECONDS = lastClickSeconds(CROWD);

export const options: Options = {
  scenarios: {
    ...oneAfterTheOther({ roads: ROADS, shape: even(CROWD), apartSeconds: LEFT_SECONDS + LINE_SECONDS }),
    ...(ROADS.length === 2 && { between: { ...once(LINE_SECONDS), exec: 'between', startTime: `${LEFT_SECONDS}s` } }),
  },
  thresholds: {
    ...(ROADS.length === 2 && { checks: ['rate==1'] }),
    dropped_iterations: ['count==0'],
    answers: [`count==${ROADS.length * CROWD.buyers}`],
    'answers{kind:error}': ['count==0'],
    ...Object.assign({}, ...ROADS.map(thresholdsOf)),
  },
};

/** Nobody in front of the queue is turned away before the units are gone; of calls no number is promised. */
function thresholdsOf(road: Road) {
  const yes = road === 'queued' ? [`count==${Math.min(UNITS, CROWD.buyers)}`] : ['count>0'];
  return {
    [`answers{road:${road},kind:yes}`]: yes,
    [`answers{road:${road},kind:busy}`]: road === 'queued' ? ['count==0'] : shown,
    [`answers{road:${road},kind:tooLate}`]: road === 'queued' ? ['count==0'] : shown,
    [`answers{road:${road},kind:soldOut}`]: shown,
    [`answers{road:${road},kind:unknown}`]: road === 'queued' ? ['count==0'] : shown,
    [`click_to_answer{road:${road}}`]: [road === 'queued' ? 'p(95)<2000' : 'p(95)<5000'],
  };
}

const clickToAnswer = new Trend('click_to_answer', true);

export function setup() {
  const sales = Object.fromEntries(ROADS.map((mode) => [mode, openSale({ mode, stock: UNITS })]));
  takeRoad(ROADS[0] ?? 'queued', sales);
  return { sales, beganAt: Date.now() };
}

interface Stage {
  sales: Partial<Record<Road, string>>;
  beganAt: number;
}

function takeRoad(road: Road, sales: Stage['sales']) {
  setBank(BANK);
  console.log(JSON.stringify({ sale: { road, saleId: sales[road], bankReset: true } }));
}

/** The bank is as it was before the first crowd, when the second comes. */
export function between({ sales, beganAt }: Stage) {
  if (!dueNow(ONE)) return;
  const sold = Math.min(UNITS, CROWD.buyers);
  check(null, { 'the line is empty': () => until(() => chargesSince(beganAt) >= sold, (LINE_SECONDS - 3) * 1_000) });
  takeRoad('direct', sales);
}

export const queued = ({ sales }: Stage) => click(sales.queued);
export const direct = ({ sales }: Stage) => click(sales.direct);

function click(saleId = '') {
  const due = dueNow(CROWD);
  if (!due) return;
  const index = FIRST_BUYER + due.index;
  const sentAt = Date.now();
  const { status, timedOut, problem, reason, orderId } = buy(saleId, buyer(index));
  const answeredAt = Date.now();
  const times = { dueAt: due.dueAt, lateMs: sentAt - due.dueAt, answerMs: answeredAt - due.dueAt, answeredAt };
  clickToAnswer.add(times.answerMs);
  if (CLICKS) console.log(JSON.stringify({ click: { index, ...times, status, timedOut, problem, reason, orderId } }));
}
