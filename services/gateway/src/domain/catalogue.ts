// The sales this gateway knows, and the epoch of each gate that it may send buyers to.
import type { Sale } from './sale.ts';

export interface Catalogue {
  find(saleId: string): Sale | undefined;
  all(): Sale[];
  /** Newer revisions and epochs win, whoever brings them. */
  learn(sales: Sale[]): void;
}

export function createCatalogue(): Catalogue {
  const sales = new Map<string, Sale>();
  return {
    find: (saleId) => sales.get(saleId),
    all: () => [...sales.values()],
    learn(learned) {
      for (const sale of learned) {
        const known = sales.get(sale.id);
        if (!known || sale.epoch > known.epoch || sale.revision > known.revision) sales.set(sale.id, sale);
      }
    },
  };
}
