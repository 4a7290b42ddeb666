// The queue of placed orders, as far as it is known: how long an order of a sale will wait, how far the workers have come,
// and whether it is empty. The wait, for Retry-After and to refuse orders that could not be decided in time, follows from
// the results of all gateways' orders. They come in bursts, because a backlog is worked in batches: the time from one burst
// to the last counts.
import { setTimeout as sleep } from 'node:timers/promises';
import { mintedAt } from '@flashsale/contracts/fields';
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { OrderQueue } from './ports.ts';
import type { Sale } from './sale.ts';

const WINDOW_MS = 30_000;
/** A slow queue is measured over a longer time, until it has shown this many results. */
const ENOUGH_RESULTS = 50;
const LONGEST_WINDOW_MS = 600_000;
/** Results within this time are one burst. */
const BURST_MS = 250;
/** A silence longer than this, and than two gaps between bursts, is a queue that stands. */
const STANDS_AFTER_MS = 5_000;
/** An estimate may be wrong, and an order that is accepted must be decided in time. */
const SAFE_SHARE = 0.8;
/** With less history than this the estimate refuses nothing. */
const LEAST_HISTORY = { overMs: 5_000, results: 50 };
/** Workers are many and messages are retried, so a row may overtake its neighbours, but not by so much. */
const PASSED_BY_MS = 60_000;
/** Between two checks that the queue is empty. */
const APART_MS = 1_000;

export interface WaitingEstimate {
  count(event: Pick<OrderEvent, 'saleId' | 'status' | 'reason'>): void;
  /** How many orders wait, as read from the gate. */
  see(saleId: string, waiting: number): void;
  /** Milliseconds until the order at that place is decided, the last one by default; undefined while that is not known. */
  waitMs(saleId: string, position?: number): number | undefined;
  /** The estimated wait, if an order that comes now could not be decided within the sale's time. */
  tooLong(sale: Pick<Sale, 'id' | 'decideWithinSeconds'>): number | undefined;
}

export function createWaitingEstimate(now = () => performance.now()): WaitingEstimate {
  const throughput = createThroughput(now);
  const waiting = new Map<string, number>();

  function waitMs(saleId: string, position = waiting.get(saleId) ?? 0): number | undefined {
    const measured = throughput.measure(saleId);
    return measured && Math.round((position * 1_000) / measured.perSecond);
  }

  return {
    waitMs,
    count(event) {
      if (waitedUntil(event)) throughput.count(event.saleId);
    },
    see(saleId, length) {
      waiting.set(saleId, length);
      if (length === 0) throughput.sawEmpty(saleId);
    },
    tooLong({ id, decideWithinSeconds }) {
      const { overMs = 0, results = 0 } = throughput.measure(id) ?? {};
      if (overMs < LEAST_HISTORY.overMs || results < LEAST_HISTORY.results) return undefined;
      const expectedMs = waitMs(id) ?? 0;
      return expectedMs > SAFE_SHARE * decideWithinSeconds * 1_000 ? expectedMs : undefined;
    },
  };
}

/** An unpaid hold that ends did not wait, and an order that ran out of time does not show how fast the queue moves. */
const waitedUntil = ({ status, reason }: Pick<OrderEvent, 'status' | 'reason'>) =>
  status !== 'expired' && status !== 'cancelled' && reason !== 'timed_out';

export interface Measured {
  perSecond: number;
  results: number;
  overMs: number;
}

export interface Throughput {
  count(saleId: string): void;
  /** Undefined before a second burst of results. */
  measure(saleId: string): Measured | undefined;
  /** An empty queue moves nothing: its silence must not slow down the measure of the next burst. */
  sawEmpty(saleId: string): void;
}

interface Burst {
  atMs: number;
  count: number;
}

export function createThroughput(now = () => performance.now()): Throughput {
  const seen = new Map<string, Burst[]>();

  function measure(saleId: string): Measured | undefined {
    const bursts = seen.get(saleId) ?? [];
    const [first, last] = [bursts[0], bursts.at(-1)];
    if (!first || !last || first === last) return undefined;
    const movedMs = last.atMs - first.atMs;
    const usualMs = Math.max(STANDS_AFTER_MS, (2 * movedMs) / (bursts.length - 1));
    const overMs = movedMs + Math.max(0, now() - last.atMs - usualMs);
    const results = resultsOf(bursts);
    return { perSecond: (results * 1_000) / overMs, results, overMs };
  }

  return {
    measure,
    count(saleId) {
      const atMs = now();
      const bursts = seen.get(saleId) ?? [];
      const last = bursts.at(-1);
      if (last && atMs - last.atMs < BURST_MS) last.count += 1;
      else bursts.push({ atMs, count: 1 });
      while (isOutdated(bursts, atMs)) bursts.shift();
      seen.set(saleId, bursts);
    },
    sawEmpty(saleId) {
      const last = seen.get(saleId)?.at(-1);
      if (last && now() - last.atMs > STANDS_AFTER_MS) seen.delete(saleId);
    },
  };
}

/** The first burst is the work of an unknown time before it. */
const resultsOf = (bursts: Burst[]) => bursts.slice(1).reduce((sum, { count }) => sum + count, 0);

function isOutdated(bursts: Burst[], atMs: number): boolean {
  const ageMs = atMs - (bursts[1]?.atMs ?? atMs);
  return ageMs > LONGEST_WINDOW_MS || (ageMs > WINDOW_MS && resultsOf(bursts.slice(1)) >= ENOUGH_RESULTS);
}

interface Placed {
  orderId: string;
  saleId: string;
}

export interface QueueProgress {
  /** An order that has a row, because a worker read its message. */
  hasRow(order: Placed & Pick<OrderEvent, 'reason'>): void;
  /** An order of that sale that was minted much later has a row: a message of this one is not in the queue any more. */
  hasPassed(order: Placed): boolean;
  /** Forgets all other sales. */
  keep(saleIds: string[]): void;
}

export function createQueueProgress(): QueueProgress {
  const newest = new Map<string, number>();

  return {
    hasRow({ orderId, saleId, reason }) {
      // An order that was given up has a row without having been in the queue.
      if (reason === 'given_up') return;
      newest.set(saleId, Math.max(newest.get(saleId) ?? 0, mintedAt(orderId) ?? 0));
    },
    hasPassed({ orderId, saleId }) {
      const minted = mintedAt(orderId);
      return minted !== undefined && (newest.get(saleId) ?? 0) >= minted + PASSED_BY_MS;
    },
    keep(saleIds) {
      const kept = new Set(saleIds);
      for (const saleId of newest.keys()) if (!kept.has(saleId)) newest.delete(saleId);
    },
  };
}

/**
 * Checked twice, because an order may be between two retry steps. False also when the broker does not respond; rejects
 * only when the signal is given.
 */
export async function isEmptyTwice({ waiting }: Pick<OrderQueue, 'waiting'>, signal?: AbortSignal): Promise<boolean> {
  const isEmpty = () =>
    waiting().then(
      (count) => count === 0,
      () => false,
    );
  if (!(await isEmpty())) return false;
  await sleep(APART_MS, undefined, { ...(signal && { signal }) });
  return isEmpty();
}
