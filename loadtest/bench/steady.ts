// The highest rate at which as many orders are confirmed as arrive, with ample stock and a bank without limit.
import { type Offered, offer } from './offer.ts';
import { climb, createStairs, isSteady, type Stairs } from './stairs.ts';
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

/** By short tries. */
export async function findRate(venue: Venue, guess: number, say: Say): Promise<Stairs> {
  const { seconds, step } = venue.settings.search;
  const holds = async (rate: number) => (await attempt(venue, rate, seconds, say)).held !== undefined;
  return createStairs(await climb(guess, step, holds));
}

export async function measureSteady(venue: Venue, stairs: Stairs, say: Say): Promise<Steady> {
  const tries: Try[] = [];
  while (tries.length < MOST_TRIES) {
    const rate = stairs.rate();
    const { outcome, held } = await attempt(venue, rate, venue.settings.steadySeconds, say);
    tries.push(outcome);
    if (held) {
      stairs.held();
      return { perSecond: held.confirmed / held.seconds, rate, tries, held };
    }
    stairs.grew((outcome.confirmed ?? 0) / venue.settings.steadySeconds);
  }
  throw new Error(`no rate held for ${venue.settings.steadySeconds} s: ${tries.map(({ rate }) => rate).join(', ')}/s`);
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
