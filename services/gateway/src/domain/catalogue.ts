// The sales that this gateway knows, and what its last looks at their gates said.
import type { Inventory } from './ports.ts';
import type { Sale } from './sale.ts';

export interface Catalogue {
  /** Asks inventory about a sale that it does not know. */
  find(saleId: string): Promise<Sale | undefined>;
  all(): Sale[];
  /** Newer revisions and epochs win, in whatever order they come. */
  learn(sales: Sale[]): void;
  /** All sales that inventory had when it was asked; others are forgotten, but for those learned since. */
  mirror(sales: Sale[], askedAtMs: number): void;
  soldOut(saleId: string): boolean;
  seeTickets(saleId: string, tickets: number): void;
  /** Sales with records that are due for a look at some time. */
  pending(): Sale[];
  seePending(saleId: string, records: number): void;
}

interface Known {
  sale: Sale;
  learnedAtMs: number;
  soldOut: boolean;
  pending: number;
}

export function createCatalogue(inventory: Pick<Inventory, 'getSale'>): Catalogue {
  let known = new Map<string, Known>();

  const renewed = (sale: Sale): Known => {
    const { soldOut = false, pending = 0 } = known.get(sale.id) ?? {};
    return { sale, learnedAtMs: performance.now(), soldOut, pending };
  };

  function learn(sales: Sale[]) {
    for (const sale of sales) {
      const before = known.get(sale.id)?.sale;
      if (!before || sale.epoch > before.epoch || sale.revision > before.revision) known.set(sale.id, renewed(sale));
    }
  }

  return {
    learn,
    /** An inventory restored from a backup may say an older epoch: it is believed, for it is the one that reserves. */
    mirror(sales, askedAtMs) {
      const learnedSince = [...known].filter(([, { learnedAtMs }]) => learnedAtMs > askedAtMs);
      known = new Map([...sales.map((sale) => [sale.id, renewed(sale)] as const), ...learnedSince]);
    },
    all: () => [...known.values()].map(({ sale }) => sale),
    async find(saleId) {
      if (!known.has(saleId)) {
        const sale = await inventory.getSale(saleId);
        if (sale) learn([sale]);
      }
      return known.get(saleId)?.sale;
    },
    soldOut: (saleId) => known.get(saleId)?.soldOut ?? false,
    seeTickets(saleId, tickets) {
      const sale = known.get(saleId);
      if (sale) sale.soldOut = tickets <= 0;
    },
    pending: () => [...known.values()].filter(({ pending }) => pending > 0).map(({ sale }) => sale),
    seePending(saleId, records) {
      const sale = known.get(saleId);
      if (sale) sale.pending = records;
    },
  };
}
