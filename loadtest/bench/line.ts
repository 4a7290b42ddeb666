// The line of a sale: accepted and not settled yet, as its gate counts them.
import { setTimeout as sleep } from 'node:timers/promises';
import { keyOf } from '@flashsale/contracts/gate';
import type { Venue } from './venue.ts';

const WORKED_OFF_WITHIN_MS = 180_000;
const LOOK_EVERY_MS = 250;

export const lineOf = ({ stores }: Venue, saleId: string): Promise<number> => stores.redis.zcard(keyOf(saleId, 'line'));

export async function untilWorkedOff(venue: Venue, saleId: string): Promise<void> {
  const giveUpAt = Date.now() + WORKED_OFF_WITHIN_MS;
  for (let left = await lineOf(venue, saleId); left > 0; left = await lineOf(venue, saleId)) {
    if (Date.now() > giveUpAt) throw new Error(`${left} orders still wait after ${WORKED_OFF_WITHIN_MS / 1000} s`);
    await sleep(LOOK_EVERY_MS, undefined, { signal: venue.signal });
  }
}
