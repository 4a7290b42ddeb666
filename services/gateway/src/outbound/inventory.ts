// Inventory as the gateway calls it: sales, and what a new gate is built from.
import { InventoryServiceClient, type ReopenResponse, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { call, callStream, connectTo, status, statusOf } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { Inventory, TakenUnit } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { ask } from './question.ts';

/** A sale of millions is read in pages; while they come, the new gate is staged. */
const PAGES_DEADLINE_MS = 120_000;

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
          const { available, held, sold } = sale;
          return [{ ...fromWire(sale), available, held, sold }];
        } catch (error) {
          // One that only a newer gateway can sell must not keep this one from the others.
          log.warn({ saleId: sale.saleId, error: String(error) }, 'a sale is left out');
          return [];
        }
      });
    },

    async changeSale(from, { stock, closed, opensAtMs, closesAtMs }) {
      const change = { addStock: stock - from.stock, closed, opensAtMs, closesAtMs, expectedRevision: from.revision };
      return unlessRefused([status.ABORTED], async () => {
        const answer = await call(client, client.updateSale, { saleId: from.id, ...change }, { deadlineMs });
        return fromWire(answer.sale as WireSale);
      });
    },

    async reopen(saleId, expectedEpoch, gateEpoch) {
      const request = { saleId, expectedEpoch, gateEpoch };
      const answers = callStream(client, client.reopen, request, {
        deadlineMs: PAGES_DEADLINE_MS,
        firstWithinMs: deadlineMs,
      });
      return unlessRefused([status.ABORTED, status.RESOURCE_EXHAUSTED], async () => {
        const { value: first } = await answers.next();
        const sale = first?.sale ?? nonsense('a snapshot without a sale');
        return { sale: fromWire(sale), available: sale.available, pages: pagesOf(answers) };
      });
    },

    stop: () => client.close(),
  };
}

/** Undefined for what was asked of a sale that is no longer as the caller knew it, or that is not done just now. */
async function unlessRefused<Answer>(refusals: status[], ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    const code = statusOf(error);
    if (code !== undefined && refusals.includes(code)) return undefined;
    throw error;
  }
}

/** Not a generator: one that was never started would not end the call when it is told to return. */
const pagesOf = (answers: AsyncGenerator<ReopenResponse, void>): AsyncIterable<TakenUnit[]> => ({
  [Symbol.asyncIterator]: () => ({
    async next() {
      const { done, value } = await answers.next();
      return done ? { done, value: undefined } : { done: false, value: value.reservations };
    },
    async return() {
      await answers.return();
      return { done: true, value: undefined };
    },
  }),
});

const fromWire = (sale: WireSale): Sale => ({
  id: sale.saleId,
  sku: sale.sku,
  title: sale.title,
  price: sale.price ?? nonsense('a sale without a price'),
  stock: sale.stock,
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
  stock,
  available: stock,
  held: 0,
  sold: 0,
});
