// One run: k6 sends the load down one path, every order becomes final, then the audit and the facts are made.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../../infra/audit/audit.ts';
import type { Bank } from '../../infra/clients/bank.ts';
import { type Click, outcomeOf } from '../../infra/clients/outcome.ts';
import type { Order } from '../../infra/clients/shop.ts';
import { until } from '../../infra/until.ts';
import { cpuSeconds, cpuUsed, endedChildrenSeconds } from '../figures/cpu.ts';
import { isFinal, pathFigures, percentiles } from '../figures/figures.ts';
import { ordersOf } from '../figures/finals.ts';
import { timelineOf } from './chart.ts';
import type { Setup } from './compare.ts';
import { CONFIGURATION, FINAL_WITHIN_MS, type Turn, whyInvalid } from './plan.ts';

const SCRIPT = 'loadtest/k6/04-with-and-without-the-queue.ts';

export type Ran = Awaited<ReturnType<typeof runTurn>>;
export type RunFacts = ReturnType<typeof factsOf> & { cpuSeconds: Record<string, number> };
/** Times in Unix milliseconds by this machine's clock. */
export type TimedClick = Click & { dueAt: number };

export async function runTurn(setup: Setup, turn: Turn) {
  const { stores, bank, deaths } = setup;
  const deathsBefore = deaths.length;
  const before = processorTimes(setup);
  const { saleId, clicks, exitCode, k6Summary } = await sendLoad(setup, turn);
  const orderIds = clicks.flatMap(({ orderId }) => orderId ?? []);
  const areFinal = async () => undecided(orderIds, await ordersOf(stores.orders, saleId)) === 0;
  await until('every order is final', areFinal, { withinMs: FINAL_WITHIN_MS, everyMs: 200 }).catch(() => undefined);
  const used = cpuUsed(before, processorTimes(setup));
  const audited = await audit(stores, { atRest: true, withinMs: FINAL_WITHIN_MS });
  // Read when nothing is in flight: an order whose click had no response may have become final after the wait.
  const orders = await ordersOf(stores.orders, saleId);

  const { p99, max } = percentiles(clicks.map(({ lateMs }) => lateMs));
  const k6 = { dropped: k6Summary.metrics?.dropped_iterations?.count ?? 0, lateMs: { p99: p99 ?? 0, max: max ?? 0 } };
  const invalid = whyInvalid({
    ...{ ...k6, exitCode, buyers: turn.case.buyers, clicks: clicks.length, audit: audited },
    ...{ deaths: deaths.slice(deathsBefore), undecided: undecided(orderIds, orders) },
  });
  return {
    ...{ case: turn.case.name, mode: turn.mode, nth: turn.nth, invalid },
    audit: { checks: audited.checks.length, holding: audited.checks.filter(({ ok }) => ok).length },
    ...{ k6, k6Summary, timeline: timelineOf(clicks, orders) },
    facts: { ...factsOf(turn, clicks, orders, await chargesPerSecond(bank, orders)), cpuSeconds: used },
  };
}

const undecided = (orderIds: string[], orders: Map<string, Order>) =>
  orderIds.filter((orderId) => !isFinal(orders.get(orderId))).length;

/** The script itself sets the bank, and begins its sequence anew, before its first click. */
async function sendLoad({ k6, addressBook, scratch, signal }: Setup, turn: Turn) {
  const { units, buyers, seconds, chargesPerSecond } = turn.case;
  const name = nameOf({ ...turn, case: turn.case.name });
  const [consoleFile, summaryFile] = [join(scratch, `${name}.log`), join(scratch, `${name}.json`)];
  const knobs = { UNITS: `${units}`, BUYERS: `${buyers}`, SECONDS: `${seconds}`, BANK: `${chargesPerSecond}` };
  const env = { ...knobs, ADDRESS_BOOK: addressBook, MODE: turn.mode, CLICKS: '1' };
  const exitCode = await k6.run({ script: SCRIPT, env, consoleFile, summaryFile, quiet: true, signal });
  signal.throwIfAborted();
  const log = readLog(consoleFile);
  // k6 printed its complaint when it made it.
  if (log.clicks.length === 0) throw new Error(`k6 made no click in ${name}, and ended with code ${exitCode}`);
  // A k6 that was killed writes no summary.
  const k6Summary: K6Summary = existsSync(summaryFile) ? JSON.parse(readFileSync(summaryFile, 'utf8')) : {};
  return { ...log, exitCode, k6Summary };
}

type K6Summary = { metrics?: { dropped_iterations?: { count: number } } };

export const nameOf = ({ case: name, nth, mode }: { case: string; nth: number; mode: string }) =>
  `${name}-${nth}-${mode}`;

/** The script logs the sale that its load goes to, then a line for each click; a killed k6 may leave half a line. */
function readLog(file: string): { saleId: string; clicks: TimedClick[] } {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const logged: { sale?: { saleId: string }; click?: TimedClick }[] = lines.map((line) => JSON.parse(line));
  const saleId = logged.findLast(({ sale }) => sale)?.sale?.saleId;
  if (!saleId) throw new Error(`k6 names no sale in ${file}`);
  return { saleId, clicks: logged.flatMap(({ click }) => click ?? []) };
}

export function factsOf({ case: each }: Turn, clicks: TimedClick[], orders: Map<string, Order>, bank: number | null) {
  const lastClickAt = Math.max(...clicks.map(({ dueAt, lateMs }) => dueAt + lateMs));
  const firstDueAt = Math.min(...clicks.map(({ dueAt }) => dueAt));
  // The last click of an even load has its share of the time, too.
  const seconds = (lastClickAt - firstDueAt) / 1_000 + each.seconds / each.buyers;
  const figures = pathFigures({ stock: each.units, clicks, orders, lastClickAt });
  const { offered, confirmed, confirmedAtLastClick, drainedMs } = figures;
  const yes = clicks.filter((click) => outcomeOf(click) === 'yes' && click.respondedAt <= lastClickAt).length;
  const decided = clicks.flatMap(({ orderId, dueAt }) => {
    const { status, decidedAt = null } = orders.get(orderId ?? '') ?? {};
    return status === 'confirmed' && decidedAt !== null ? [decidedAt - dueAt] : [];
  });
  return {
    figures,
    rates: {
      ...{ offered: offered / seconds, yes: yes / seconds, burst: confirmedAtLastClick / seconds },
      ...{ end: confirmed / (seconds + drainedMs / 1_000), bank },
    },
    /** Confirmed orders only, from when the click was due to the server's own time of the decision. */
    clickToDecidedMs: percentiles(decided),
  };
}

/** From the first charge of the run to its last. */
async function chargesPerSecond(bank: Bank, orders: Map<string, Order>): Promise<number | null> {
  const { charges } = await bank.statement();
  const ours = charges.filter(({ key }) => orders.has(key));
  if (ours.length === 0) return null;
  const from = Math.min(...ours.map(({ startedAtMs }) => startedAtMs));
  return (ours.length * 1_000) / (Math.max(...ours.map(({ finishedAtMs }) => finishedAtMs)) - from);
}

/** k6 is a child that has ended by the second reading. */
function processorTimes({ stack: { pids, services }, k6 }: Setup): Record<string, number> {
  const names = Object.keys(CONFIGURATION.processes);
  const pidsOf = (name: string) => services[name as keyof typeof services]?.map(({ pid }) => pid()) ?? pids[name];
  const roots = names.map((name) => [name, pidsOf(name)]);
  const load = k6.isChild ? endedChildrenSeconds() : null;
  return { ...cpuSeconds(Object.fromEntries(roots)), ...(load !== null && { k6: load }) };
}
