// A sale as its gate and its readers need it.
import type { Mode, Money } from '@flashsale/contracts/fields';

export interface Sale {
  id: string;
  sku: string;
  title: string;
  price: Money;
  stock: number;
  /** Unix milliseconds. */
  opensAtMs: number;
  closesAtMs: number;
  perBuyerLimit: number;
  mode: Mode;
  checkout: 'instant' | 'hold';
  holdSeconds: number;
  decideWithinSeconds: number;
  closed: boolean;
  /** Of inventory; 0 until the first gate is opened. */
  epoch: number;
  revision: number;
}

/** Its gate admits no order any more, unless the sale is changed. */
export const isOver = ({ closed, closesAtMs }: Pick<Sale, 'closed' | 'closesAtMs'>, nowMs: number) =>
  closed || closesAtMs <= nowMs;

type Times = Pick<Sale, 'closesAtMs' | 'holdSeconds' | 'decideWithinSeconds'>;
/** Over for so long that each order of it has ended: its gate may be gone for good. */
export const isLongOver = ({ closesAtMs, holdSeconds, decideWithinSeconds }: Times, nowMs: number) =>
  closesAtMs + (holdSeconds + 2 * decideWithinSeconds) * 1_000 <= nowMs;

export interface SaleProblem {
  field: string;
  message: string;
}

/** What no field shows by itself; inventory refuses the same. */
export function problemsOf(sale: Pick<Sale, 'stock' | 'price' | 'opensAtMs' | 'closesAtMs'>): SaleProblem[] {
  const window = { field: 'closesAt', message: 'must be after opensAt' };
  const worth = { field: 'stock', message: 'price times stock must stay below 2^53' };
  return [
    ...(sale.closesAtMs > sale.opensAtMs ? [] : [window]),
    ...(Number.isSafeInteger(sale.price.amountMinor * sale.stock) ? [] : [worth]),
  ];
}
