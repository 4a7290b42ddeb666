// The use cases of inventory, each with the ports that it needs.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import type { Ports } from './domain/ports.ts';
import { createReservations } from './domain/reservations.ts';
import { type Change, changed } from './domain/sale.ts';

export type UseCases = ReturnType<typeof createUseCases>;

export function createUseCases({ sales, ledger, reopen }: Ports) {
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
    ...createReservations(ledger),
  };
}
