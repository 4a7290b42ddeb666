// From clicks and final orders to the figures of one road; pure, and nothing in it is assumed. Each order is of one unit.
import { FINAL_STATUSES } from '@flashsale/contracts/messages';
import { answerOf, type Click } from '../../infra/clients/answer.ts';
import type { Order } from '../../infra/clients/shop.ts';

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

export interface RoadFigures {
  offered: number;
  yes: number;
  no: { soldOut: number; busy: number; tooLate: number; limit: number; notOpen: number };
  /** Answered 504 or not at all, whatever became of the order: with yes, each no and the errors, all who clicked. */
  unanswered: number;
  /** Of the orders behind a yes, a 504 or no answer: those without a final result in the end. */
  unknown: number;
  errors: number;
  turnedAwayWhileUnsold: number;
  confirmedWhenCrowdLeft: number;
  confirmed: number;
  unsold: number;
  answerMs: { yes: Percentiles; no: Percentiles };
  /** Of the confirmed orders. */
  clickToFinalMs: Percentiles;
  peakLine: number;
  drainedMs: number;
}

export interface RoadFacts {
  stock: number;
  clicks: Click[];
  /** What the servers say in the end of every order a click was told of. */
  orders: Map<string, Order>;
  lastClickAt: number;
}

const FINAL = new Set<string>(FINAL_STATUSES);
export const isFinal = (order: Order | undefined) => order !== undefined && FINAL.has(order.status);

export function roadFigures({ stock, clicks, orders, lastClickAt }: RoadFacts): RoadFigures {
  const answers = Object.groupBy(clicks, answerOf);
  const {
    yes = [],
    soldOut = [],
    busy = [],
    tooLate = [],
    limit = [],
    notOpen = [],
    unknown = [],
    // Here nobody clicks twice, and the bank declines nobody: either would be a surprise.
    tooOften = [],
    declined = [],
    error = [],
  } = answers;
  const placed = [...orders.values()];
  const confirmed = placed.filter((order) => order.status === 'confirmed');
  const waits = (list: Click[]) => percentiles(list.map((click) => click.answerMs));
  return {
    offered: clicks.length,
    yes: yes.length,
    no: {
      soldOut: soldOut.length,
      busy: busy.length,
      tooLate: tooLate.length,
      limit: limit.length,
      notOpen: notOpen.length,
    },
    unanswered: unknown.length,
    unknown: [...yes, ...unknown].filter(({ orderId }) => !isFinal(orders.get(orderId ?? ''))).length,
    errors: error.length + tooOften.length + declined.length,
    turnedAwayWhileUnsold: turnedAwayWhileUnsold([...soldOut, ...busy, ...tooLate], confirmed, stock),
    confirmedWhenCrowdLeft: confirmed.filter(({ decidedAt }) => decidedAt !== null && decidedAt <= lastClickAt).length,
    confirmed: confirmed.length,
    unsold: stock - confirmed.length,
    answerMs: { yes: waits(yes), no: waits([...soldOut, ...busy, ...tooLate, ...limit, ...notOpen]) },
    clickToFinalMs: percentiles(clicks.flatMap((click) => finalMs(click, orders.get(click.orderId ?? '')))),
    peakLine: peakLine(placed),
    drainedMs: Math.max(0, ...placed.map(({ decidedAt }) => (decidedAt ?? 0) - lastClickAt)),
  };
}

/**
 * How long a confirmed order's buyer waited for the result, by the clock of the other waits: from when the click was due.
 * A 201 is the result itself; after any other answer it is there to be asked for once the order is decided.
 */
function finalMs({ status, answerMs, answeredAt }: Click, order: Order | undefined): number[] {
  if (order?.status !== 'confirmed') return [];
  if (status === 201) return [answerMs];
  const dueAt = answeredAt - answerMs;
  return order.decidedAt === null ? [] : [order.decidedAt - dueAt];
}

/** Those refused before the last unit that was sold at all had been clicked: for them there still was one to be had. */
function turnedAwayWhileUnsold(refused: Click[], confirmed: Order[], stock: number) {
  const lastSoldAt = confirmed.length >= stock ? Math.max(...confirmed.map((order) => order.createdAt)) : Infinity;
  return refused.filter(({ answeredAt }) => answeredAt < lastSoldAt).length;
}

/** The most orders at one instant between their click and their end. */
export function peakLine(orders: Pick<Order, 'createdAt' | 'decidedAt'>[]): number {
  const arrivals = orders.map(({ createdAt }) => ({ at: createdAt, step: 1 }));
  const ends = orders.flatMap(({ decidedAt }) => (decidedAt === null ? [] : [{ at: decidedAt, step: -1 }]));
  let line = 0;
  let peak = 0;
  for (const { step } of [...ends, ...arrivals].sort((a, b) => a.at - b.at || a.step - b.step)) {
    line += step;
    peak = Math.max(peak, line);
  }
  return peak;
}

/** Nearest rank, to a tenth of a millisecond. */
export function percentiles(values: number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (share: number) => {
    const value = sorted[Math.ceil(share * sorted.length) - 1];
    return value === undefined ? null : Math.round(value * 10) / 10;
  };
  return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) };
}
