// The same arrivals on a queued and on a direct sale: who gets a yes, how soon, who is refused while stock lasts.
// Buyers: 1500
import { check } from 'k6';
import { knob, modes } from './knobs.ts';
import { eachClick, even, lastClickSeconds, ONE, once } from './shapes.ts';
import { buy, buyer, chargesSince, openSales, setBank, until } from './shop.ts';
import { bothModes, inEach, modeNow, SHOWN } from './summary.ts';

declare const console: { log(line: string): void }; // @types/k6 leaves it out.

const UNITS = knob('UNITS', 500);
const BURST = { buyers: knob('BUYERS', 1_500), seconds: knob('SECONDS', 3) };
const BANK = knob('BANK', 100);
const SOLD = Math.min(UNITS, BURST.buyers);
const BOTH = modes().length === 2;

/** Enough for the bank to work off the queue of the first burst. */
const QUEUE_SECONDS = 15 + (BANK && SOLD / BANK);
const CLICKED_SECONDS = lastClickSeconds(BURST);

export const options = bothModes({
  arrivals: even(BURST),
  apartSeconds: CLICKED_SECONDS + QUEUE_SECONDS,
  scenarios: BOTH ? { between: { ...once(QUEUE_SECONDS), exec: 'between', startTime: `${CLICKED_SECONDS}s` } } : {},
  // The queue refuses no click before the sale is sold out; direct calls promise no number.
  thresholds: {
    ...(BOTH && { checks: ['rate==1'] }),
    outcomes: [`count==${modes().length * BURST.buyers}`],
    'outcomes{kind:error}': ['count==0'],
    'outcomes{kind:yes}': { queued: `count==${SOLD}`, direct: 'count>0' },
    'outcomes{kind:busy}': { queued: 'count==0', direct: SHOWN },
    'outcomes{kind:tooLate}': { queued: 'count==0', direct: SHOWN },
    'outcomes{kind:soldOut}': inEach(SHOWN),
    'outcomes{kind:unknown}': { queued: 'count==0', direct: SHOWN },
    click_to_response: { queued: 'p(95)<2000', direct: 'p(95)<5000' },
  },
});

export function setup() {
  const sales = openSales(UNITS, BANK);
  for (const mode of modes()) console.log(JSON.stringify({ sale: { mode, saleId: sales[mode], bankReset: true } }));
  return { sales, beganAt: Date.now() };
}
type Begun = ReturnType<typeof setup>;

/** The bank is reset, so that the second burst finds it as the first did. */
export const between = eachClick(ONE, ({ beganAt }: Begun) => {
  const isEmpty = until(() => chargesSince(beganAt).length >= SOLD, QUEUE_SECONDS - 3);
  check(isEmpty, { 'the queue is empty': Boolean });
  setBank(BANK);
});

export default eachClick(BURST, ({ sales }: Begun, due) => {
  const [index, sentAt] = [knob('FIRST_BUYER', 0) + due.index, Date.now()];
  const { status, timedOut, problem, reason, orderId } = buy(sales[modeNow()], buyer(index), due);
  const respondedAt = Date.now();
  const times = { dueAt: due.dueAt, lateMs: sentAt - due.dueAt, responseMs: respondedAt - due.dueAt, respondedAt };
  if (knob('CLICKS', 0) === 1)
    console.log(JSON.stringify({ click: { index, ...times, status, timedOut, problem, reason, orderId } }));
});
