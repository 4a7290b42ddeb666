// Inventory as the gateway calls it: sales, and what a new gate is built from.
import { InventoryServiceClient, type ReopenResponse, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { read } from '@flashsale/contracts/messages';
import { Sale as SaleStock } from '@flashsale/contracts/sale';
import { call, callStream, connectTo, status, statusOf } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import type { Inventory, TakenUnit } from '../domain/ports.ts';
import { query } from './calls.ts';

/** A sale of millions is read in pages; while they come, the new gate is staged. */
const PAGES_DEADLINE_MS = 120_000;

export function createInventory(config: Config, log: Log, registry: Registry): Inventory & { stop(): void } {
  const client = connectTo(InventoryServiceClient, config.INVENTORY_ADDRESS, { retries: 'idempotent', registry });
  const deadlineMs = config.RPC_DEADLINE_MS;
  return {
    async createSale(sale) {
      const counts = { available: sale.stock, held: 0, sold: 0 };
      const response = await call(client, client.createSale, { sale: { ...sale, ...counts } }, { deadlineMs });
      return fromWire(response.sale);
    },

    async getSale(saleId) {
      try {
        const response = await query(call(client, client.getSale, { saleId }, { deadlineMs }));
        return fromWire(response.sale);
      } catch (error) {
        if (statusOf(error) === status.NOT_FOUND) return undefined;
        throw error;
      }
    },

    async listSales() {
      const { sales } = await query(call(client, client.listSales, {}, { deadlineMs }));
      return sales.flatMap((sale) => {
        try {
          return [fromWire(sale)];
        } catch (error) {
          // One that only a newer gateway can sell must not keep this one from the others.
          log.warn({ saleId: sale.id, error: String(error) }, 'a sale is left out');
          return [];
        }
      });
    },

    async changeSale(from, { stock, closed, opensAtMs, closesAtMs }) {
      const change = { addStock: stock - from.stock, closed, opensAtMs, closesAtMs, expectedRevision: from.revision };
      return unlessRefused([status.ABORTED], async () => {
        const response = await call(client, client.updateSale, { saleId: from.id, ...change }, { deadlineMs });
        return fromWire(response.sale);
      });
    },

    async reopen(saleId, expectedEpoch, gateEpoch) {
      const request = { saleId, expectedEpoch, gateEpoch };
      const responses = callStream(client, client.reopen, request, {
        deadlineMs: PAGES_DEADLINE_MS,
        firstWithinMs: deadlineMs,
      });
      return unlessRefused([status.ABORTED, status.RESOURCE_EXHAUSTED], async () => {
        const { value: first } = await responses.next();
        const sale = fromWire(first?.sale);
        return { sale, available: sale.available, pages: pagesOf(responses) };
      });
    },

    stop: () => client.close(),
  };
}

/** Undefined for a call about a sale that is no longer as the caller knew it, or that inventory does not take just now. */
async function unlessRefused<Result>(refusals: status[], work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    const code = statusOf(error);
    if (code !== undefined && refusals.includes(code)) return undefined;
    throw error;
  }
}

/** Not a generator: `return` of one that was never started would not end the call. */
const pagesOf = (responses: AsyncGenerator<ReopenResponse, void>): AsyncIterable<TakenUnit[]> => ({
  [Symbol.asyncIterator]: () => ({
    async next() {
      const { done, value } = await responses.next();
      return done ? { done, value: undefined } : { done: false, value: value.reservations };
    },
    async return() {
      await responses.return();
      return { done: true, value: undefined };
    },
  }),
});

const readSale = read(SaleStock);

/** The meaning of a newer contract is not guessed. */
function fromWire(sale: WireSale | undefined): SaleStock {
  const known = readSale(sale);
  if ('dead' in known) throw new Error(`a sale that means nothing here: ${known.dead}`);
  return known.value;
}
