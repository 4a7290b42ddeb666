// A sale as its gate and its readers need it.
import type { Sale as SaleStock } from '@flashsale/contracts/sale';

/** Without inventory's counters, which change with every order. */
export type Sale = Omit<SaleStock, 'available' | 'held' | 'sold'>;

/** Its gate admits no order any more, unless the sale is changed. */
export const isOver = ({ closed, closesAtMs }: Pick<Sale, 'closed' | 'closesAtMs'>, nowMs: number) =>
  closed || closesAtMs <= nowMs;

type Times = Pick<Sale, 'closesAtMs' | 'holdSeconds' | 'decideWithinSeconds'>;
/** Over for so long that each order of it has ended: its gate may be gone for good. */
export const isLongOver = ({ closesAtMs, holdSeconds, decideWithinSeconds }: Times, nowMs: number) =>
  closesAtMs + (holdSeconds + 2 * decideWithinSeconds) * 1_000 <= nowMs;
