// The highest rate at which as many orders are confirmed as arrive, with ample stock and a bank without limit.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, cpuUsed } from '../figures/cpu.ts';
import type { Environment } from './environment.ts';

type Counted = Record<'rate' | 'seconds' | 'arrived' | 'confirmed', number>;
export type Steady = Awaited<ReturnType<typeof measureSteady>>;

const MOST_TRIES = 8;
const DOWN = { least: 0.95, most: 0.8 };
/** Orders are confirmed in batches, several a second, so that the queue ripples. 1 % of 30 s. */
const RIPPLE_SECONDS = 0.3;
/** The clicks of so many seconds in flight: the gateway will not catch up. */
const HOPELESS_SECONDS = 3;

export async function measureSteady(environment: Environment, guess: number) {
  const { search, steadySeconds } = environment.settings;
  const holds = async (rate: number) => isSteady(await offer(environment, rate, search.seconds));
  let rate = await climb(guess, search.step, holds);
  const tries: object[] = [];
  while (tries.length < MOST_TRIES) {
    const offered = await offer(environment, rate, steadySeconds);
    const { arrived, confirmed } = offered;
    tries.push({ rate, outcome: isSteady(offered) ? 'held' : 'grew', arrived, confirmed });
    if (isSteady(offered)) return { perSecond: confirmed / steadySeconds, rate, tries, held: offered };
    rate = below(rate, confirmed / steadySeconds);
  }
  throw new Error(`no rate held for ${steadySeconds} s, down to ${rate}/s`);
}

/** The highest rate that held on the way up; a step below the start where not even that did. */
export async function climb(start: number, step: number, holds: (rate: number) => Promise<boolean>): Promise<number> {
  let rate = start / step;
  for (let next = start; await holds(Math.round(next)); next *= step) rate = next;
  return Math.max(1, Math.round(rate));
}

/** The rate to try next. Under overload fewer are confirmed (`reached`, a second) than could be, hence the bounds. */
export const below = (rate: number, reached: number) =>
  Math.max(1, Math.round(rate * Math.min(DOWN.least, Math.max(DOWN.most, reached / rate))));

/** Everything offered arrived and got its response in time, and as many were confirmed as arrived. */
export function isSteady({ rate, seconds, arrived, confirmed, late = 0 }: Counted & { late?: number }): boolean {
  const ripple = rate * RIPPLE_SECONDS;
  return late === 0 && arrived >= rate * seconds - ripple && Math.abs(confirmed - arrived) <= ripple;
}

/** Clicks by a timetable, and what became of them in a window of time. */
async function offer(environment: Environment, rate: number, seconds: number) {
  const { settings, stack, stores, signal, log, openSale, send, queued, untilWorkedOff } = environment;
  const { leadSeconds, tailSeconds } = settings.window;
  // The bank is outside; the process that makes the load and watches is not among these.
  const { bank: _outside, ...ours } = stack.pids;
  const saleId = await openSale();
  const allSeconds = leadSeconds + seconds + tailSeconds;
  const clicks = { saleId, seconds: allSeconds, clicks: Math.ceil(rate * allSeconds) };
  const sending = send(`${rate}/s offered`, 202, { ...clicks, maxInFlight: rate * HOPELESS_SECONDS });
  sending.catch(() => undefined);
  await sleep(leadSeconds * 1_000, undefined, { signal });
  const [fromMs, before, cpuBefore] = [Date.now(), await queued(saleId), cpuSeconds(ours)];
  const toMs = fromMs + seconds * 1_000;
  await sleep(toMs - Date.now(), undefined, { signal });
  const [used, after] = [cpuUsed(cpuBefore, cpuSeconds(ours)), await queued(saleId)];
  const load = await sending;
  await untilWorkedOff(saleId);
  const values = [saleId, firstId(fromMs), firstId(toMs), fromMs / 1_000, toMs / 1_000];
  const { arrived, confirmed } = (await stores.orders.query(COUNT, values)).rows[0];
  const counted = { rate, seconds, arrived, confirmed, late: load.errors.timeout };
  const offered = { ...counted, waiting: { before, after }, cpuSeconds: used, load };
  log(`${rate}/s for ${seconds} s: ${arrived} arrived, ${confirmed} confirmed${isSteady(offered) ? ': held' : ''}`);
  return offered;
}

/** An order arrives when its id is minted, and is confirmed at the time in its row. */
const COUNT = `SELECT count(*) FILTER (WHERE id >= $2 AND id < $3)::int AS arrived,
  count(*) FILTER (WHERE status = 'confirmed' AND decided_at >= to_timestamp($4) AND decided_at < to_timestamp($5))::int
    AS confirmed FROM orders WHERE sale_id = $1`;

/** The least UUIDv7 of that millisecond. */
const firstId = (ms: number) => ms.toString(16).padStart(12, '0').padEnd(32, '0');
