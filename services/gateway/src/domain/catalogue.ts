// The sales that this gateway knows, and what it last read from their gates.
import type { Inventory } from './ports.ts';
import type { Sale } from './sale.ts';

export interface Catalogue {
  /** Reads a sale that it does not know from inventory. */
  find(saleId: string): Promise<Sale | undefined>;
  all(): Sale[];
  /** Newer revisions and epochs win, in whatever order they come. */
  learn(sales: Sale[]): void;
  /** All sales that inventory had at that time; others are forgotten, but for those learned since. */
  mirror(sales: Sale[], listedAtMs: number): void;
  soldOut(saleId: string): boolean;
  seeTickets(saleId: string, tickets: number): void;
  /** Sales with records that the sweeper must check at some time. */
  pending(): Sale[];
  seePending(saleId: string, records: number): void;
  /** A gate is not the one that is known here: the sales are refreshed now, not only with the next interval. */
  requestRefresh(): void;
  onRefreshRequested(refresh: () => void): void;
}

interface Known {
  sale: Sale;
  learnedAtMs: number;
  soldOut: boolean;
  pending: number;
}

/** Many buyers before an unavailable gate request a refresh with every click. */
const REFRESHES_APART_MS = 100;

export function createCatalogue(inventory: Pick<Inventory, 'getSale'>): Catalogue {
  let known = new Map<string, Known>();
  let refresh = () => {};
  let requestedAtMs = Number.NEGATIVE_INFINITY;

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
    /** An inventory restored from a backup may have an older epoch: it counts, for inventory is what reserves. */
    mirror(sales, listedAtMs) {
      const learnedSince = [...known].filter(([, { learnedAtMs }]) => learnedAtMs > listedAtMs);
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
    requestRefresh() {
      if (performance.now() - requestedAtMs < REFRESHES_APART_MS) return;
      requestedAtMs = performance.now();
      refresh();
    },
    onRefreshRequested(listener) {
      refresh = listener;
    },
  };
}
