// The highest rate at which as many orders are confirmed as arrive, with ample stock and a bank without limit: up by
// short tries while the queue does not grow, then down until one holds for long enough.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, cpuUsed } from '../figures/cpu.ts';
import type { Environment } from './environment.ts';

type Counted = Record<'rate' | 'seconds' | 'arrived' | 'confirmed', number>;

const MOST_TRIES = 8;
const DOWN = { least: 0.95, most: 0.8 };
/** Orders are confirmed in batches, several a second, so that the queue ripples. 1 % of 30 s. */
const RIPPLE_SECONDS = 0.3;
/** The arrivals of so many seconds without a result: the queue will not become shorter. */
const HOPELESS_SECONDS = 3;
const LOOK_EVERY_MS = 500;

export async function measureSteady(environment: Environment, guess: number) {
  const { settings, log } = environment;
  const { search, steadySeconds } = settings;
  const attempt = async (rate: number, seconds: number) => {
    const offered = await offer(environment, rate, seconds);
    const outcome = !offered ? 'hopeless' : isSteady(offered) ? 'held' : 'grew';
    const { arrived, confirmed } = offered ?? {};
    log(`${rate}/s for ${seconds} s: ${offered ? `${arrived} arrived, ${confirmed} confirmed: ` : ''}${outcome}`);
    return { tried: { rate, outcome, arrived, confirmed }, held: outcome === 'held' ? offered : undefined };
  };
  let rate = await climb(guess, search.step, async (rate) => Boolean((await attempt(rate, search.seconds)).held));
  const tries: Awaited<ReturnType<typeof attempt>>['tried'][] = [];
  while (tries.length < MOST_TRIES) {
    const { tried, held } = await attempt(rate, steadySeconds);
    tries.push(tried);
    if (held) return { perSecond: held.confirmed / held.seconds, rate, tries, held };
    rate = below(rate, (tried.confirmed ?? 0) / steadySeconds);
  }
  throw new Error(`no rate held for ${steadySeconds} s: ${tries.map((one) => one.rate).join(', ')}/s`);
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

/** Everything offered arrived in time, and as many were confirmed as arrived. */
export function isSteady({ rate, seconds, arrived, confirmed }: Counted): boolean {
  const ripple = rate * RIPPLE_SECONDS;
  return arrived >= rate * seconds - ripple && Math.abs(confirmed - arrived) <= ripple;
}

/** Clicks by a timetable, and what became of them in a window of time; undefined where the window was given up. */
async function offer(environment: Environment, rate: number, seconds: number) {
  const { settings, signal, openSale, send, untilWorkedOff } = environment;
  const allSeconds = settings.paced.leadSeconds + seconds + settings.paced.tailSeconds;
  const saleId = await openSale();
  const givenUp = new AbortController();
  let unanswered = 0;
  const clicks = { saleId, seconds: allSeconds, clicks: Math.ceil(rate * allSeconds) };
  const sending = send(`${rate}/s offered`, 202, clicks, {
    signal: AbortSignal.any([signal, givenUp.signal]),
    tally: ({ sent, yes, refused, other }) => {
      unanswered = sent - yes - refused - other;
    },
  });
  sending.catch(() => undefined);
  const isHopeless = (queued: number) => queued + unanswered > rate * HOPELESS_SECONDS;
  const window = await watchWindow(environment, saleId, seconds, isHopeless);
  if (!window) givenUp.abort();
  const load = await (window ? sending : sending.catch(() => undefined));
  await untilWorkedOff(saleId);
  return window && load && { rate, seconds, ...(await window.count()), ...window.seen, load };
}

type IsHopeless = (queued: number) => boolean;

async function watchWindow(environment: Environment, saleId: string, seconds: number, isHopeless: IsHopeless) {
  const { settings, stack, stores, signal, queued } = environment;
  // The bank is outside; the process that makes and watches the load is not among these.
  const { bank: _outside, ...ours } = stack.pids;
  await sleep(settings.paced.leadSeconds * 1_000, undefined, { signal });
  const [fromMs, before, cpuBefore] = [Date.now(), await queued(saleId), cpuSeconds(ours)];
  const toMs = fromMs + seconds * 1_000;
  for (let leftMs = toMs - Date.now(); leftMs > 0; leftMs = toMs - Date.now()) {
    await sleep(Math.min(leftMs, LOOK_EVERY_MS), undefined, { signal });
    if (isHopeless(await queued(saleId))) return undefined;
  }
  const used = cpuUsed(cpuBefore, cpuSeconds(ours));
  const values = [saleId, firstId(fromMs), firstId(toMs), fromMs / 1_000, toMs / 1_000];
  return {
    seen: { line: { before, after: await queued(saleId) }, cpuSeconds: used },
    count: async (): Promise<Pick<Counted, 'arrived' | 'confirmed'>> =>
      (await stores.orders.query(COUNT, values)).rows[0],
  };
}

/** An order arrives when its id is minted, and is confirmed when its row says so. */
const COUNT = `SELECT count(*) FILTER (WHERE id >= $2 AND id < $3)::int AS arrived,
  count(*) FILTER (WHERE status = 'confirmed' AND decided_at >= to_timestamp($4) AND decided_at < to_timestamp($5))::int
    AS confirmed FROM orders WHERE sale_id = $1`;

/** The least UUIDv7 of that millisecond. */
const firstId = (ms: number) => ms.toString(16).padStart(12, '0').padEnd(32, '0');
