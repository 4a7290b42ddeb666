// The bank falls to a tenth of its capacity for a while, and comes back: the line grows and drains, every click is answered as
// before, and nothing is lost. Queued; the direct road would turn away what the bank cannot take.
// Buyers: 1800
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { knob } from './knobs.ts';
import { dueNow, even, ONE, once, waitedMs } from './shapes.ts';
import { buy, buyer, openSale, order, orderWhenFinal, setBank } from './shop.ts';

const SECONDS = knob('SECONDS', 30);
const PER_SECOND = knob('RATE', 60);
const BANK = knob('BANK', 100);
const CROWD = { buyers: PER_SECOND * SECONDS, seconds: SECONDS };
/** The bank is slow in the second third. */
const [SLOW_FROM, SLOW_UNTIL] = [SECONDS / 3, (2 * SECONDS) / 3];
/** What is left behind then, at what the bank can take beside those who still come. */
const FINAL_WITHIN_SECONDS = 30 + (PER_SECOND * SECONDS) / BANK;

export const options: Options = {
  scenarios: {
    crowd: even({ ...CROWD, staying: { share: 1 / PER_SECOND, seconds: FINAL_WITHIN_SECONDS } }),
    slow: { ...once(5), exec: 'slow', startTime: `${SLOW_FROM}s` },
    back: { ...once(5), exec: 'back', startTime: `${SLOW_UNTIL}s` },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_failed: ['rate==0'],
    'answers{kind:yes}': [`count==${CROWD.buyers}`],
    'click_to_answer{bank:well}': ['p(95)<2000'],
    'click_to_answer{bank:slow}': ['p(95)<2000'],
    'line{bank:slow}': [`max>${Math.floor((PER_SECOND - BANK / 10) * (SECONDS / 3) * 0.5)}`],
    'click_to_final{bank:slow}': [`max<${FINAL_WITHIN_SECONDS * 1_000}`],
    'click_to_final{bank:back}': [`max<${FINAL_WITHIN_SECONDS * 1_000}`],
  },
};

const clickToAnswer = new Trend('click_to_answer', true);
const clickToFinal = new Trend('click_to_final', true);
const line = new Trend('line');

export function setup() {
  setBank({ chargesPerSecond: BANK });
  return { saleId: openSale({ mode: 'queued', stock: CROWD.buyers }) };
}

export function slow() {
  if (dueNow(ONE)) setBank({ chargesPerSecond: BANK / 10 });
}

export function back() {
  if (dueNow(ONE)) setBank({ chargesPerSecond: BANK });
}

export default function ({ saleId }: { saleId: string }) {
  const due = dueNow(CROWD);
  if (!due) return;
  const second = due.index / PER_SECOND;
  const tags = { bank: second < SLOW_FROM ? 'well' : second < SLOW_UNTIL ? 'slow' : 'back' };
  const token = buyer(due.index);
  const { orderId } = buy(saleId, token);
  clickToAnswer.add(waitedMs(due), tags);
  // One in each second looks where it stands, and follows its order to the end.
  if (!orderId || due.index % PER_SECOND > 0) return;
  line.add(order(orderId, token)?.position ?? 0, tags);
  const final = orderWhenFinal(orderId, token, FINAL_WITHIN_SECONDS * 1_000);
  check(null, { 'confirmed in the end': () => final?.status === 'confirmed' });
  if (final?.decidedAt) clickToFinal.add(final.decidedAt - due.dueAt, tags);
}
