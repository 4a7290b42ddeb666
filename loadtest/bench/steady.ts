// The highest rate at which as many orders are confirmed as arrive, with ample stock and a bank without limit.
import { type Offered, offer } from './offer.ts';
import { below, climb, isSteady } from './stairs.ts';
import type { Venue } from './venue.ts';

const MOST_TRIES = 8;

export interface Steady {
  perSecond: number;
  rate: number;
  tries: Try[];
  held: Offered;
}

interface Try {
  rate: number;
  outcome: 'held' | 'grew' | 'hopeless';
  arrived?: number;
  confirmed?: number;
}

export type Say = (line: string) => void;

/** `guess`: where the search begins. */
export async function measureSteady(venue: Venue, guess: number, say: Say): Promise<Steady> {
  const { search, steadySeconds } = venue.settings;
  const holds = async (rate: number) => (await attempt(venue, rate, search.seconds, say)).held !== undefined;
  let rate = await climb(guess, search.step, holds);
  const tries: Try[] = [];
  while (tries.length < MOST_TRIES) {
    const { outcome, held } = await attempt(venue, rate, steadySeconds, say);
    tries.push(outcome);
    if (held) return { perSecond: held.confirmed / held.seconds, rate, tries, held };
    rate = below(rate, (outcome.confirmed ?? 0) / steadySeconds);
  }
  throw new Error(`no rate held for ${steadySeconds} s: ${tries.map((one) => one.rate).join(', ')}/s`);
}

async function attempt(
  venue: Venue,
  rate: number,
  seconds: number,
  say: Say,
): Promise<{ outcome: Try; held?: Offered }> {
  const offered = await offer(venue, { rate, seconds });
  if (offered === 'hopeless') {
    say(`${rate}/s: the line grew without end`);
    return { outcome: { rate, outcome: offered } };
  }
  const { arrived, confirmed } = offered;
  const steady = isSteady(offered);
  say(`${rate}/s for ${seconds} s: ${arrived} arrived, ${confirmed} confirmed: ${steady ? 'held' : 'not steady'}`);
  const outcome: Try = { rate, outcome: steady ? 'held' : 'grew', arrived, confirmed };
  return { outcome, ...(steady && { held: offered }) };
}
