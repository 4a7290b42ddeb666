// Whether who clicks feels a slow bank: the queued answer's 99th percentile at a bank that takes a tenth of the arrivals,
// and at one without limit.
import { untilWorkedOff } from './line.ts';
import type { Whose } from './ratios.ts';
import type { Say } from './steady.ts';
import type { Venue } from './venue.ts';
import { assertAnswered, runWrk } from './wrk.ts';

const SPARE_TOKENS = 1_000;
const MOST_TRIES = 3;
/**
 * wrk takes the time from the sending on. Its clicks are sent by a timetable, so nobody's wait is left out as long as a
 * connection is free for each click when it is due (beyond that wrk puts back what a connection that waited missed, from
 * its mean interval). Were more clicks late than the percentile leaves out, it would say nothing: then they click again.
 */
const MOST_LATE = 0.01;

export interface AnswerTimes {
  p50: number;
  p99: number;
  max: number;
  rate: number;
  answers: number;
  lateShare: number;
}

/** `ours`: at the slow bank. */
export async function answerTimes(venue: Venue, whose: Whose, rate: number, say: Say): Promise<AnswerTimes> {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const times = await ask(venue, whose, rate);
    if (times.lateShare <= MOST_LATE) return times;
    say(`decoupling at ${rate}/s: ${(times.lateShare * 100).toFixed(1)} % of the clicks left late, not counted`);
  }
  throw new Error(`${rate} clicks a second cannot be kept up here: the machine is too busy with something else`);
}

async function ask(venue: Venue, whose: Whose, rate: number): Promise<AnswerTimes> {
  const { bank, settings, tokens, sales, signal } = venue;
  const { seconds, slowBank } = settings.decoupling;
  const { saleId, url } = await sales.ample();
  tokens.atLeast(rate * seconds + SPARE_TOKENS);
  await bank.change({ chargesPerSecond: whose === 'ours' ? rate * slowBank : 0 });
  const { connections } = settings.paced;
  const wrk = await runWrk({ url, tokensFile: tokens.file, connections, seconds, rate, signal });
  await bank.change({ chargesPerSecond: 0 });
  await untilWorkedOff(venue, saleId);
  assertAnswered(wrk, 202, `decoupling, ${whose}`);
  return { ...wrk.latencyMs, rate, answers: wrk.requests, lateShare: wrk.lateShare };
}
