// How long an order of a sale will wait: what buyers are told, and why an order may be refused before it is admitted.
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { Sale } from './sale.ts';
import { createThroughput } from './throughput.ts';

/** An estimate may be wrong, and an order that is accepted must be decided in time. */
const SAFE_SHARE = 0.8;
/** With less history than this the estimate refuses nothing. */
const LEAST_HISTORY = { overMs: 5_000, results: 50 };

export interface WaitingEstimate {
  count(event: Pick<OrderEvent, 'saleId' | 'status' | 'reason'>): void;
  /** The length of the line, as the gate says it. */
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
      if (leftTheLine(event)) throughput.count(event.saleId);
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

/** An unpaid hold that ends was not in the line, and what only ran out of time says nothing about how fast it moves. */
const leftTheLine = ({ status, reason }: Pick<OrderEvent, 'status' | 'reason'>) =>
  status !== 'expired' && status !== 'cancelled' && reason !== 'timed_out';
