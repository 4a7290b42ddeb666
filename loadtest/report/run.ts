// One run: k6 sends the crowd down one road; then everything is waited for, audited and worked out.
import { join } from 'node:path';
import { audit } from '../../infra/audit/audit.ts';
import type { Stores } from '../../infra/audit/stores.ts';
import { answerOf } from '../../infra/clients/answer.ts';
import type { Bank } from '../../infra/clients/bank.ts';
import type { Order } from '../../infra/clients/shop.ts';
import type { K6 } from '../../infra/k6/k6.ts';
import type { Stack } from '../../infra/native/stack.ts';
import { cpuSeconds, cpuUsed, endedChildrenSeconds } from '../figures/cpu.ts';
import { isFinal, percentiles, roadFigures } from '../figures/figures.ts';
import { type CrowdLog, readCrowd } from './clicks.ts';
import { ordersOf, untilDecided } from './decided.ts';
import { droppedIterations } from './k6-summary.ts';
import type { RunFacts } from './metrics.ts';
import { type Case, CONFIGURATION, FINAL_WITHIN_MS, type Road } from './plan.ts';
import type { CountedRun } from './summary.ts';
import { type Timeline, timelineOf } from './timeline.ts';
import { whyInvalid } from './validity.ts';

const SCRIPT = 'loadtest/k6/04-with-and-without-the-queue.ts';

export interface Laboratory {
  stack: Stack;
  stores: Stores;
  bank: Bank;
  k6: K6;
  /** What k6 must know of the stack. */
  venueFile: string;
  /** Of this command alone, gone afterwards: k6's notes of every click. */
  scratch: string;
  /** Where k6's own summaries go, and stay. */
  summaries: string;
  /** Every process that has ended by itself so far, added as it happens. */
  deaths: string[];
  signal: AbortSignal;
}

export interface Turn {
  case: Case;
  road: Road;
  round: number;
}

export interface Ran {
  run: CountedRun;
  timeline: Timeline;
}

export async function runRoad(laboratory: Laboratory, turn: Turn): Promise<Ran> {
  const { stores, bank, deaths } = laboratory;
  const deathsBefore = deaths.length;
  const before = processorTimes(laboratory);
  const crowd = await sendCrowd(laboratory, turn);
  const asked = crowd.clicks.flatMap(({ orderId }) => (orderId ? [orderId] : []));
  await untilDecided(stores.orders, { saleId: crowd.saleId, asked, withinMs: FINAL_WITHIN_MS });
  const used = cpuUsed(before, processorTimes(laboratory));
  const audited = await audit(stores, { atRest: true, patienceMs: FINAL_WITHIN_MS });
  // Read when nothing is in flight any more: of an order whose click was never answered, nobody waited for the end.
  const orders = await ordersOf(stores.orders, crowd.saleId);

  const facts = factsOf(turn, crowd, orders, await chargesPerSecond(bank, orders), used);
  const { p99, max } = percentiles(crowd.clicks.map(({ lateMs }) => lateMs));
  const lateMs = { p99: p99 ?? 0, max: max ?? 0 };
  const { exitCode, dropped } = crowd;
  const invalid = whyInvalid({
    ...{ exitCode, dropped, lateMs, buyers: turn.case.buyers, clicks: crowd.clicks.length },
    ...{ deaths: deaths.slice(deathsBefore), audit: audited },
    undecided: asked.filter((orderId) => !isFinal(orders.get(orderId))).length,
  });
  return {
    run: {
      ...{ case: turn.case.name, road: turn.road, round: turn.round, facts, invalid },
      audit: { checks: audited.checks.length, holding: audited.checks.filter(({ ok }) => ok).length },
      k6: { dropped, lateMs },
    },
    timeline: timelineOf({ clicks: crowd.clicks, orders }),
  };
}

type Crowd = CrowdLog & { exitCode: number; dropped: number };

/** The bank is set, and its sequence begun anew, by the script itself before its first click. */
async function sendCrowd(laboratory: Laboratory, { case: each, road, round }: Turn): Promise<Crowd> {
  const { k6, venueFile, scratch, summaries, signal } = laboratory;
  const name = `${each.name}-${round}-${road}`;
  const [consoleFile, summaryFile] = [join(scratch, `${name}.log`), join(summaries, `${name}.json`)];
  const shape = { UNITS: each.units, BUYERS: each.buyers, SECONDS: each.seconds, BANK: each.chargesPerSecond };
  const settings = Object.entries(shape).map(([key, value]) => [key, String(value)]);
  const env = { ...Object.fromEntries(settings), ADDRESS_BOOK: venueFile, MODE: road, CLICKS: '1' };
  const exitCode = await k6.run({ script: SCRIPT, env, consoleFile, summaryFile, quiet: true, signal });
  signal.throwIfAborted();
  const log = readCrowd(consoleFile);
  // Its own complaint was printed when it made it.
  if (log.clicks.length === 0) throw new Error(`k6 made no click in ${name}, and ended with code ${exitCode}`);
  return { ...log, exitCode, dropped: droppedIterations(summaryFile) };
}

function factsOf(
  { case: each }: Turn,
  { clicks }: Crowd,
  orders: Map<string, Order>,
  bankPerSecond: number | null,
  cpuSeconds: Record<string, number>,
): RunFacts {
  const lastClickAt = Math.max(...clicks.map(({ dueAt, lateMs }) => dueAt + lateMs));
  const firstDueAt = Math.min(...clicks.map(({ dueAt }) => dueAt));
  return {
    figures: roadFigures({ stock: each.units, clicks, orders, lastClickAt }),
    // An even crowd's last click has its share of the time, too.
    crowdSeconds: (lastClickAt - firstDueAt) / 1_000 + each.seconds / each.buyers,
    yesWhenCrowdLeft: clicks.filter((click) => answerOf(click) === 'yes' && click.answeredAt <= lastClickAt).length,
    clickToDecidedMs: percentiles(
      clicks.flatMap(({ orderId, dueAt }) => {
        const order = orders.get(orderId ?? '');
        return order?.status === 'confirmed' && order.decidedAt !== null ? [order.decidedAt - dueAt] : [];
      }),
    ),
    bankPerSecond,
    cpuSeconds,
  };
}

async function chargesPerSecond(bank: Bank, orders: Map<string, Order>): Promise<number | null> {
  const { charges } = await bank.statement();
  const ours = charges.filter(({ key }) => orders.has(key));
  if (ours.length === 0) return null;
  const from = Math.min(...ours.map(({ startedAtMs }) => startedAtMs));
  return (ours.length * 1_000) / (Math.max(...ours.map(({ finishedAtMs }) => finishedAtMs)) - from);
}

/** k6 is a child that has ended by the second reading. */
function processorTimes({ stack: { pids, services }, k6 }: Laboratory): Record<string, number> {
  const names = Object.keys(CONFIGURATION.processes);
  const roots = names.map((name) => [name, services[name as keyof typeof services]?.pid() ?? pids[name]]);
  const crowd = k6.isChild ? endedChildrenSeconds() : null;
  return { ...cpuSeconds(Object.fromEntries(roots)), ...(crowd !== null && { k6: crowd }) };
}
