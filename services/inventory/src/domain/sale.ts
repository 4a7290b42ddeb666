// A sale, what makes one possible, and how it may change.
import type { Money } from '@flashsale/contracts/fields';

export interface Sale {
  saleId: string;
  sku: string;
  title: string;
  price: Money;
  stock: number;
  available: number;
  held: number;
  sold: number;
  opensAtMs: number;
  closesAtMs: number;
  perBuyerLimit: number;
  mode: string;
  checkout: string;
  holdSeconds: number;
  decideWithinSeconds: number;
  closed: boolean;
  epoch: number;
  revision: number;
}

export type NewSale = Omit<Sale, 'available' | 'held' | 'sold' | 'closed' | 'epoch' | 'revision'>;

export interface Change {
  addStock: number;
  closed?: boolean | undefined;
  opensAtMs?: number | undefined;
  closesAtMs?: number | undefined;
  /** Of the sale that this change was made for. */
  expectedRevision?: number | undefined;
}

export interface Problem {
  field: string;
  message: string;
}

const MOST_STOCK = 2 ** 31 - 1;

/** Cross-field rules. */
export function problemsOf(sale: {
  stock: number;
  price: Money | undefined;
  opensAtMs: number;
  closesAtMs: number;
  checkout: string;
  holdSeconds: number;
}): Problem[] {
  const stock = { field: 'stock', message: 'price times stock must stay below 2^53' };
  const window = { field: 'closesAtMs', message: 'must be later than opens_at_ms' };
  const hold = { field: 'holdSeconds', message: 'must be at least 1 for a hold' };
  return [
    ...(Number.isSafeInteger((sale.price?.amountMinor ?? 0) * sale.stock) ? [] : [stock]),
    ...(sale.closesAtMs > sale.opensAtMs ? [] : [window]),
    ...(sale.checkout === 'hold' && sale.holdSeconds < 1 ? [hold] : []),
  ];
}

/** The sale with the change in it, or why it cannot be; stale: it is no longer the one that the change was made for. */
export type Changed = { sale: Sale } | { problems: Problem[] } | { stale: true };

/** Stock only grows. */
export function changed(sale: Sale, change: Change): Changed {
  if (change.expectedRevision !== undefined && change.expectedRevision !== sale.revision) return { stale: true };
  const next = {
    ...sale,
    stock: sale.stock + change.addStock,
    available: sale.available + change.addStock,
    closed: change.closed ?? sale.closed,
    opensAtMs: change.opensAtMs ?? sale.opensAtMs,
    closesAtMs: change.closesAtMs ?? sale.closesAtMs,
    revision: sale.revision + 1,
  };
  const may = ['stock', 'closed', 'opensAtMs', 'closesAtMs'] as const;
  if (may.every((field) => next[field] === sale[field])) {
    return { problems: [{ field: 'addStock, closed, opensAtMs, closesAtMs', message: 'nothing would change' }] };
  }
  const tooMany = next.stock > MOST_STOCK ? [{ field: 'addStock', message: `at most ${MOST_STOCK} in all` }] : [];
  const problems = [...tooMany, ...problemsOf(next)];
  return problems.length ? { problems } : { sale: next };
}
