// Inventory as the gateway calls it: sales, and what a new gate is built from.
import { InventoryServiceClient, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { call, connectTo, status, statusOf } from '@flashsale/rpc/client';
import type { Config } from '../config.ts';
import type { Inventory } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';

export function createInventory(config: Config): Inventory & { stop(): void } {
  const client = connectTo(InventoryServiceClient, config.INVENTORY_ADDRESS, { retries: 'idempotent' });
  const deadlineMs = config.RPC_DEADLINE_MS;
  return {
    async createSale(sale) {
      const answer = await call(client, client.createSale, { sale: toWire(sale) }, { deadlineMs });
      return fromWire(answer.sale as WireSale);
    },

    async getSale(saleId) {
      try {
        const answer = await call(client, client.getSale, { saleId }, { deadlineMs });
        return fromWire(answer.sale as WireSale);
      } catch (error) {
        if (statusOf(error) === status.NOT_FOUND) return undefined;
        throw error;
      }
    },

    async listSales() {
      const { sales } = await call(client, client.listSales, {}, { deadlineMs });
      return sales.map(fromWire);
    },

    async changeSale(from, { stock, closed, opensAtMs, closesAtMs }) {
      const change = { addStock: stock - from.stock, closed, opensAtMs, closesAtMs, expectedRevision: from.revision };
      return unlessAborted(async () => {
        const answer = await call(client, client.updateSale, { saleId: from.id, ...change }, { deadlineMs });
        return fromWire(answer.sale as WireSale);
      });
    },

    async reopen(saleId, expectedEpoch) {
      return unlessAborted(async () => {
        const answer = await call(client, client.reopen, { saleId, expectedEpoch }, { deadlineMs: 5 * deadlineMs });
        const sale = answer.sale as WireSale;
        return { sale: fromWire(sale), available: sale.available, reservations: answer.reservations };
      });
    },

    stop: () => client.close(),
  };
}

/** Undefined for what was asked of a sale that is no longer as the caller knew it. */
async function unlessAborted<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (statusOf(error) === status.ABORTED) return undefined;
    throw error;
  }
}

const fromWire = (sale: WireSale): Sale => ({
  id: sale.saleId,
  sku: sale.sku,
  title: sale.title,
  price: sale.price ?? { amountMinor: 0, currency: '' },
  stock: sale.initial,
  opensAtMs: sale.opensAtMs,
  closesAtMs: sale.closesAtMs,
  perBuyerLimit: sale.perBuyerLimit,
  mode: sale.mode === 'direct' ? 'direct' : 'queued',
  checkout: sale.checkout === 'hold' ? 'hold' : 'instant',
  holdSeconds: sale.holdSeconds,
  decideWithinSeconds: sale.decideWithinSeconds,
  closed: sale.closed,
  epoch: sale.epoch,
  revision: sale.revision,
});

const toWire = ({ id, stock, ...sale }: Sale): WireSale => ({
  ...sale,
  saleId: id,
  initial: stock,
  available: stock,
  held: 0,
  sold: 0,
});
