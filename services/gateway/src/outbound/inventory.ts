// Inventory as the gateway calls it: sales, and what a new gate is built from.
import { InventoryServiceClient, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { call, connectTo, status, statusOf } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { Inventory } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { ask } from './question.ts';

export function createInventory(config: Config, log: Log): Inventory & { stop(): void } {
  const client = connectTo(InventoryServiceClient, config.INVENTORY_ADDRESS, { retries: 'idempotent' });
  const deadlineMs = config.RPC_DEADLINE_MS;
  return {
    async createSale(sale) {
      const answer = await call(client, client.createSale, { sale: toWire(sale) }, { deadlineMs });
      return fromWire(answer.sale as WireSale);
    },

    async getSale(saleId) {
      try {
        const answer = await ask(call(client, client.getSale, { saleId }, { deadlineMs }));
        return fromWire(answer.sale as WireSale);
      } catch (error) {
        if (statusOf(error) === status.NOT_FOUND) return undefined;
        throw error;
      }
    },

    async listSales() {
      const { sales } = await ask(call(client, client.listSales, {}, { deadlineMs }));
      return sales.flatMap((sale) => {
        try {
          return [fromWire(sale)];
        } catch (error) {
          // One that only a newer gateway can sell must not keep this one from the others.
          log.warn({ saleId: sale.saleId, error: String(error) }, 'a sale is left out');
          return [];
        }
      });
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
  price: sale.price ?? nonsense('a sale without a price'),
  stock: sale.initial,
  opensAtMs: sale.opensAtMs,
  closesAtMs: sale.closesAtMs,
  perBuyerLimit: sale.perBuyerLimit,
  mode: oneOf(['queued', 'direct'], sale.mode),
  checkout: oneOf(['instant', 'hold'], sale.checkout),
  holdSeconds: sale.holdSeconds,
  decideWithinSeconds: sale.decideWithinSeconds,
  closed: sale.closed,
  epoch: sale.epoch,
  revision: sale.revision,
});

function oneOf<const Word extends string>(known: readonly Word[], word: string): Word {
  return known.find((each) => each === word) ?? nonsense(`a sale that is ${word}`);
}

/** What a newer contract may mean is not guessed. */
function nonsense(what: string): never {
  throw new Error(`${what} means nothing here`);
}

const toWire = ({ id, stock, ...sale }: Sale): WireSale => ({
  ...sale,
  saleId: id,
  initial: stock,
  available: stock,
  held: 0,
  sold: 0,
});
