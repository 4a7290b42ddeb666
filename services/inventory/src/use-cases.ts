// The use cases of inventory, each with the ports that it needs.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import { withSteps } from '@flashsale/runtime/steps';
import type { Ports } from './domain/ports.ts';
import { createReservations } from './domain/reservations.ts';
import { type Change, changed } from './domain/sale.ts';
import type { Metrics } from './metrics.ts';

const idsOf = (items: { orderId: string }[]) => items.map(({ orderId }) => orderId);

export type UseCases = ReturnType<typeof createUseCases>;

export function createUseCases({ ledger, reopen }: Ports, metrics: Metrics) {
  return {
    /** Returns the sale that is there, also where it was created before with other fields. */
    async createSale(sale: NewSale): Promise<Sale | undefined> {
      await ledger.createSale(sale);
      return ledger.findSale(sale.id);
    },
    findSale: ledger.findSale,
    listSales: ledger.listSales,
    changeSale: (saleId: string, change: Change) => ledger.changeSale(saleId, (sale) => changed(sale, change)),
    reopen,
    ...withSteps('reservations', createReservations(ledger, metrics.reserved), {
      ...{ reserve: idsOf, confirm: (orderIds) => orderIds, release: idsOf },
    }),
  };
}
