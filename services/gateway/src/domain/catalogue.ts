// The sales this gateway knows, and the epoch of each gate that it may send buyers to.
import type { Inventory } from './ports.ts';
import type { Sale } from './sale.ts';

export interface Catalogue {
  /** Asks inventory about a sale that it has not heard of. */
  find(saleId: string): Promise<Sale | undefined>;
  all(): Sale[];
  /** Newer revisions and epochs win, whoever brings them. */
  learn(sales: Sale[]): void;
  /** As of the last look at its gate. */
  soldOut(saleId: string): boolean;
  seeTickets(saleId: string, tickets: number): void;
}

export function createCatalogue(inventory: Inventory): Catalogue {
  const sales = new Map<string, Sale>();
  const empty = new Set<string>();

  function learn(learned: Sale[]) {
    for (const sale of learned) {
      const known = sales.get(sale.id);
      if (!known || sale.epoch > known.epoch || sale.revision > known.revision) sales.set(sale.id, sale);
    }
  }

  return {
    learn,
    soldOut: (saleId) => empty.has(saleId),
    seeTickets(saleId, tickets) {
      if (tickets > 0) empty.delete(saleId);
      else empty.add(saleId);
    },
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
