// The use cases of inventory, each with the ports that it needs.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import type { Order } from './domain/allocate.ts';
import type { Ports } from './domain/ports.ts';
import { createReservations } from './domain/reservations.ts';
import { type Change, changed } from './domain/sale.ts';
import type { Metrics } from './metrics.ts';

export type UseCases = ReturnType<typeof createUseCases>;

export function createUseCases({ sales, ledger, reopen }: Ports, metrics: Metrics) {
  const { reserve, confirm, release } = createReservations(ledger);
  return {
    /** Returns the sale that is there, also where it was created before with other fields. */
    async createSale(sale: NewSale): Promise<Sale | undefined> {
      await sales.create(sale);
      return sales.find(sale.id);
    },
    findSale: sales.find,
    listSales: sales.list,
    changeSale: (saleId: string, change: Change) => sales.change(saleId, (sale) => changed(sale, change)),
    reopen,
    async reserve(orders: Order[]) {
      const outcomes = await reserve(orders);
      metrics.countReserved(outcomes);
      return outcomes;
    },
    confirm,
    release,
  };
}
