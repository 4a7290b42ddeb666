// Sales as a gateway watches them: inventory, Redis and the queue by functions, and what was called, in order.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCatalogue } from '../src/domain/catalogue.ts';
import type { GateState, Lease, SaleStock, Snapshot } from '../src/domain/ports.ts';
import { createWatch, type WatchPorts } from '../src/domain/watch-sales.ts';
import { aSale } from './gates.ts';

export const stateOf = (epoch: number, more: Partial<GateState> = {}): GateState => ({
  ...{ epoch, revision: 1, stock: 5, tickets: 5, current: true, waiting: 0, waitingSinceMs: null, pending: 0 },
  ...more,
});
export const aStock = (sale: Parameters<typeof aSale>[1] = {}, stock: Partial<SaleStock> = {}): SaleStock => ({
  ...aSale(5, sale),
  ...{ available: 5, held: 0, sold: 0 },
  ...stock,
});

interface Options {
  sales?: SaleStock[];
  /** By sale; without one there is no gate. */
  gates?: Map<string, GateState>;
  lease?: (saleId: string) => Promise<Lease | undefined>;
  makeRoom?: () => Promise<boolean>;
  replace?: (snapshot: Snapshot, lost: AbortSignal) => Promise<boolean>;
  reopen?: () => Promise<'too-soon' | undefined>;
  change?: (sale: { id: string }) => Promise<void>;
  waiting?: () => Promise<number>;
  courtesyMs?: number;
  atRestMs?: number;
}

export function watchedSales(options: Options = {}) {
  const calls: string[] = [];
  const warned: string[] = [];
  const rebuilt: string[] = [];
  let [pagesEnded, reads] = [0, 0];
  const sales = new Map((options.sales ?? []).map((sale) => [sale.id, sale]));
  const gates = options.gates ?? new Map<string, GateState>();
  const lease = options.lease ?? (async () => ({ lost: new AbortController().signal, release: async () => {} }));
  const inventory = {
    listSales: async () => [...sales.values()],
    createSale: async (sale: SaleStock) => {
      if (!sales.has(sale.id)) sales.set(sale.id, { ...sale, available: sale.stock, held: 0, sold: 0 });
      return sale;
    },
    getSale: async (id: string) => sales.get(id),
    async reopen(id: string, expected: number, gateEpoch: number): Promise<Snapshot | undefined> {
      calls.push(`reopen ${expected}`);
      const sale = sales.get(id) as SaleStock;
      if (sale.epoch !== expected || (await options.reopen?.())) return undefined;
      const raised = { ...sale, epoch: Math.max(expected, gateEpoch) + 1 };
      sales.set(id, raised);
      const pages = { [Symbol.asyncIterator]: () => ({ next: assert.fail, return: async () => ended() }) };
      return { sale: raised, available: raised.available, pages: pages as Snapshot['pages'] };
    },
  };
  const ended = () => {
    pagesEnded += 1;
    return { done: true, value: undefined } as const;
  };
  const catalogue = createCatalogue(inventory);
  const ports = {
    inventory,
    catalogue,
    gate: {
      async read(ids: string[]) {
        reads += 1;
        return ids.map((id) => gates.get(id));
      },
      levels: async (ids: string[]) => ids.map((id) => gates.get(id) ?? null),
      async change(sale: SaleStock) {
        calls.push(`change ${sale.revision}`);
        await options.change?.(sale);
      },
      async expire(id: string) {
        calls.push('expire');
        return gates.delete(id);
      },
      async lease(id: string) {
        calls.push('lease');
        return lease(id);
      },
      async makeRoom(_id: string, _epoch: number, records: number) {
        calls.push(`room for ${records}`);
        return options.makeRoom?.() ?? true;
      },
      async replace(snapshot: Snapshot, lost: AbortSignal) {
        calls.push(`replace ${snapshot.sale.epoch}`);
        const replaced = (await options.replace?.(snapshot, lost)) ?? true;
        if (replaced) gates.set(snapshot.sale.id, stateOf(snapshot.sale.epoch, { tickets: snapshot.available }));
        return replaced;
      },
    },
    queue: { waiting: options.waiting ?? (async () => 0) },
    clock: { nowMs: () => Date.now() },
    directDeadlineMs: 1,
    courtesyMs: options.courtesyMs ?? 0,
    atRestMs: options.atRestMs ?? 10_000,
    shut: async (_id: string, epoch: number, reason: string) => void calls.push(`shut ${epoch}: ${reason}`),
    rebuilt: (_id: string, reason: string) => void rebuilt.push(reason),
    seeWaiting: () => undefined,
    seeGates: () => undefined,
    rebuildFailed: (id: string, error: Error) => void warned.push(`${id}: ${error.message}`),
    warn: (id: string, error: Error) => void warned.push(`${id}: ${error.message}`),
  };
  const watch = createWatch(ports as unknown as WatchPorts);
  /** One refresh, and all that it started. */
  async function refresh() {
    await watch.refreshSales();
    for (let before = -1; before !== calls.length; await sleep(20)) before = calls.length;
  }
  return {
    calls,
    warned,
    rebuilt,
    sales,
    gates,
    inventory,
    catalogue,
    watch,
    refresh,
    pagesEnded: () => pagesEnded,
    reads: () => reads,
  };
}

/** The calls but for those that take the lease and make room. */
export const withoutLease = (calls: string[]) => calls.filter((it) => it !== 'lease' && !it.startsWith('room'));
