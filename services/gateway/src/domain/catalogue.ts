// The sales this gateway knows, and the epoch of each gate that it may send buyers to.
import type { Inventory } from './ports.ts';
import type { Sale } from './sale.ts';

export interface Catalogue {
  /** Asks inventory about a sale that it has not heard of. */
  find(saleId: string): Promise<Sale | undefined>;
  all(): Sale[];
  /** Newer revisions and epochs win, whoever brings them. */
  learn(sales: Sale[]): void;
}

export function createCatalogue(inventory: Inventory): Catalogue {
  const sales = new Map<string, Sale>();

  function learn(learned: Sale[]) {
    for (const sale of learned) {
      const known = sales.get(sale.id);
      if (!known || sale.epoch > known.epoch || sale.revision > known.revision) sales.set(sale.id, sale);
    }
  }

  return {
    learn,
    all: () => [...sales.values()],
    async find(saleId) {
      if (!sales.has(saleId)) {
        const sale = await inventory.getSale(saleId);
        if (sale) learn([sale]);
      }
      return sales.get(saleId);
    },
  };
}
