// From clicks and final orders to the figures of one path; pure. Each order is of one unit.
import { createHistogram } from 'node:perf_hooks';
import { FINAL_STATUSES } from '@flashsale/contracts/messages';
import type { BankCharge } from '../../infra/clients/bank.ts';
import { type Click, type Outcome, outcomeOf } from '../../infra/clients/outcome.ts';
import { NEVER, type Order } from '../../infra/clients/shop.ts';

export type Percentiles = Record<'p50' | 'p95' | 'p99' | 'max', number | null>;
export type PathFigures = ReturnType<typeof pathFigures>;

interface PathFacts {
  stock: number;
  clicks: Click[];
  /** The final state of every order that a response named. */
  orders: Map<string, Order>;
  lastClickAt: number;
}

const FINAL = new Set<string>([...FINAL_STATUSES, NEVER]);
export const isFinal = (order: Order | null | undefined) => FINAL.has(order?.status ?? '');

export function pathFigures({ stock, clicks, orders, lastClickAt }: PathFacts) {
  const byOutcome = Object.groupBy(clicks, outcomeOf);
  const those = (...kinds: Outcome[]) => kinds.flatMap((kind) => byOutcome[kind] ?? []);
  const number = (...kinds: Outcome[]) => those(...kinds).length;
  const waits = (...kinds: Outcome[]) => percentiles(those(...kinds).map(({ responseMs }) => responseMs));
  const placed = [...orders.values()];
  const confirmed = placed.filter(({ status }) => status === 'confirmed');
  return {
    offered: clicks.length,
    yes: number('yes'),
    no: {
      ...{ soldOut: number('soldOut'), busy: number('busy'), tooLate: number('tooLate') },
      ...{ limit: number('limit'), notOpen: number('notOpen') },
    },
    /** ClickResponse 504 or not at all, whatever became of the order: with yes, each no and the errors, all who clicked. */
    timedOut: number('unknown'),
    /** Orders behind a yes, a 504 or no response that have no final result in the end. */
    unknown: those('yes', 'unknown').filter(({ orderId }) => !isFinal(orders.get(orderId ?? ''))).length,
    // Each buyer clicks once and the bank declines no charge here: either would be a surprise.
    errors: number('error', 'rateLimited', 'declined'),
    refusedWhileStockLasted: refusedWhileStockLasted(those('soldOut', 'busy', 'tooLate'), confirmed, stock),
    confirmedAtLastClick: confirmed.filter(({ decidedAt }) => decidedAt !== null && decidedAt <= lastClickAt).length,
    confirmed: confirmed.length,
    unsold: stock - confirmed.length,
    responseMs: { yes: waits('yes'), no: waits('soldOut', 'busy', 'tooLate', 'limit', 'notOpen') },
    /** Confirmed orders only. */
    clickToFinalMs: percentiles(clicks.flatMap((click) => finalMs(click, orders.get(click.orderId ?? '')))),
    longestQueue: longestQueue(placed),
    drainedMs: Math.max(0, ...placed.map(({ decidedAt }) => (decidedAt ?? 0) - lastClickAt)),
  };
}

/**
 * How long a confirmed order's buyer waited for the result, by the clock of the other waits: from when the click was
 * due. A 201 is the result itself; after any other response it can be read once the order is decided.
 */
function finalMs({ status, responseMs, respondedAt }: Click, order: Order | undefined): number[] {
  if (order?.status !== 'confirmed') return [];
  if (status === 201) return [responseMs];
  return order.decidedAt === null ? [] : [order.decidedAt - (respondedAt - responseMs)];
}

/** Refusals before the last unit that was sold at all had been clicked: until then a unit was still available. */
function refusedWhileStockLasted(refused: Click[], confirmed: Order[], stock: number) {
  const lastSoldAt = confirmed.length >= stock ? Math.max(...confirmed.map((order) => order.createdAt)) : Infinity;
  return refused.filter(({ respondedAt }) => respondedAt < lastSoldAt).length;
}

/** The most orders that are begun and not decided at the instant at which one of them begins. */
export function longestQueue(orders: Pick<Order, 'createdAt' | 'decidedAt'>[]): number {
  const isWaiting = (at: number) => (order: (typeof orders)[number]) =>
    order.createdAt <= at && (order.decidedAt ?? Infinity) > at;
  return Math.max(0, ...orders.map(({ createdAt }) => orders.filter(isWaiting(createdAt)).length));
}

/** Recorded in microseconds, rounded to a tenth of a millisecond; all null without a value. */
export function percentiles(valuesMs: number[]): Percentiles {
  const histogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 5 });
  for (const ms of valuesMs) histogram.record(Math.max(1, Math.round(ms * 1_000)));
  const rounded = (microseconds: number) => (valuesMs.length === 0 ? null : Math.round(microseconds / 100) / 10);
  const at = (percent: number) => rounded(histogram.percentile(percent));
  return { p50: at(50), p95: at(95), p99: at(99), max: rounded(histogram.max) };
}

export type Spread = ReturnType<typeof spread>;

/** Several measurements of one thing, never as a mean, which one bad run can distort at will; NaN without any. */
export function spread(values: number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) };
}

/** The share of [first charge, `until`] in which the bank worked on no charge, by its own statement. */
export function idleShare(charges: Pick<BankCharge, 'startedAtMs' | 'finishedAtMs'>[], until: number): number | null {
  const sorted = charges.filter(({ startedAtMs }) => startedAtMs < until).sort((a, b) => a.startedAtMs - b.startedAtMs);
  const first = sorted[0];
  if (!first) return null;
  let busyUntil = first.startedAtMs;
  let idleMs = 0;
  for (const { startedAtMs, finishedAtMs } of [...sorted, { startedAtMs: until, finishedAtMs: until }]) {
    idleMs += Math.max(0, startedAtMs - busyUntil);
    busyUntil = Math.max(busyUntil, finishedAtMs);
  }
  return idleMs / (until - first.startedAtMs);
}
