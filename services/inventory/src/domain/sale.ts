// How a sale may change.
import { problemsOf, type Sale, type SaleChange } from '@flashsale/contracts/sale';

export type Change = Pick<SaleChange, 'closed' | 'opensAtMs' | 'closesAtMs'> & {
  addStock: number;
  /** Of the sale that this change was made for. */
  expectedRevision?: number | undefined;
};

export interface Problem {
  field: string;
  message: string;
}

const MOST_STOCK = 2 ** 31 - 1;

/** The changed sale, or why there is none; outdated: it is no longer the sale that the change was made for. */
export type Changed = { sale: Sale } | { problems: Problem[] } | { outdated: true };

/** Stock only grows. */
export function changed(sale: Sale, change: Change): Changed {
  if (change.expectedRevision !== undefined && change.expectedRevision !== sale.revision) return { outdated: true };
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
