// Clicks at a rate, and what became of them in a window of time: arrived, confirmed, and the CPU time that it took.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, cpuUsed } from '../figures/cpu.ts';
import { lineOf, untilWorkedOff } from './line.ts';
import type { Venue } from './venue.ts';
import { assertAnswered, runWrk, type WrkResult } from './wrk.ts';

/** The arrivals of so many seconds in line: it will not become shorter, so why look on. */
const HOPELESS_LINE_SECONDS = 3;
const LOOK_EVERY_MS = 500;
const SPARE_TOKENS = 1_000;

export interface Offer {
  rate: number;
  seconds: number;
}

export interface Offered extends Offer {
  arrived: number;
  confirmed: number;
  line: { before: number; after: number };
  cpuSeconds: Record<string, number>;
  wrk: WrkResult;
}

export async function offer(venue: Venue, { rate, seconds }: Offer): Promise<Offered | 'hopeless'> {
  const { settings, tokens, sales } = venue;
  const { connections, leadSeconds, tailSeconds } = settings.paced;
  const { saleId, url } = await sales.ample();
  const clicking = leadSeconds + seconds + tailSeconds;
  tokens.atLeast(Math.ceil(rate * clicking) + SPARE_TOKENS);
  const enough = new AbortController();
  const signal = AbortSignal.any([venue.signal, enough.signal]);
  const run = runWrk({ url, tokensFile: tokens.file, connections, seconds: clicking, rate, signal });
  run.catch(() => undefined);
  const window = await watchWindow(venue, saleId, { rate, seconds });
  if (window === 'hopeless') {
    enough.abort();
    await untilWorkedOff(venue, saleId);
    return window;
  }
  const wrk = await run;
  assertAnswered(wrk, 202, `${rate}/s offered`);
  await untilWorkedOff(venue, saleId);
  const { fromMs, toMs, ...seen } = window;
  return { rate, seconds, ...(await countIn(venue, saleId, fromMs, toMs)), ...seen, wrk };
}

async function watchWindow(venue: Venue, saleId: string, { rate, seconds }: Offer) {
  const { signal, settings } = venue;
  await sleep(settings.paced.leadSeconds * 1_000, undefined, { signal });
  const [fromMs, before, cpuBefore] = [Date.now(), await lineOf(venue, saleId), cpuOf(venue)];
  const toMs = fromMs + seconds * 1_000;
  for (let leftMs = toMs - Date.now(); leftMs > 0; leftMs = toMs - Date.now()) {
    await sleep(Math.min(leftMs, LOOK_EVERY_MS), undefined, { signal });
    if ((await lineOf(venue, saleId)) > rate * HOPELESS_LINE_SECONDS) return 'hopeless';
  }
  const used = cpuUsed(cpuBefore, cpuOf(venue));
  return { fromMs, toMs, line: { before, after: await lineOf(venue, saleId) }, cpuSeconds: used };
}

/** Of every process but the bank, which is outside, and whoever makes and watches the load. */
function cpuOf({ stack }: Venue) {
  const { bank: _outside, ...ours } = stack.pids;
  return cpuSeconds(ours);
}

const COUNT = `SELECT count(*) FILTER (WHERE id >= $2 AND id < $3)::int AS arrived,
  count(*) FILTER (WHERE status = 'confirmed' AND decided_at >= to_timestamp($4) AND decided_at < to_timestamp($5))::int
    AS confirmed FROM orders WHERE sale_id = $1`;

/** An order arrives when its id is minted, and is confirmed when its row says so. */
async function countIn({ stores }: Venue, saleId: string, fromMs: number, toMs: number) {
  const values = [saleId, firstId(fromMs), firstId(toMs), fromMs / 1_000, toMs / 1_000];
  const { rows } = await stores.orders.query<{ arrived: number; confirmed: number }>(COUNT, values);
  return rows[0] ?? { arrived: 0, confirmed: 0 };
}

/** The least UUIDv7 of that millisecond. */
function firstId(ms: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
