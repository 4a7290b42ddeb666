// The rebuilds that this gateway has under way: one at a time for each sale, and few at once.
import type { GateState, SaleStock } from './ports.ts';
import { type InvalidGate, type RebuildPorts, type RebuildReason, rebuildGate } from './rebuild-gate.ts';

/** Inventory and Redis have other work to do while thousands of gates are rebuilt. */
const MOST_AT_ONCE = 4;

export interface RebuildsPorts extends RebuildPorts {
  rebuilt: (saleId: string, reason: RebuildReason) => void;
  rebuildFailed: (saleId: string, error: unknown) => void;
}

export interface Rebuilds {
  /** All sales whose gate must be rebuilt, as of now; those that are not under way yet wait for their turn. */
  enqueue(invalidGates: { sale: SaleStock; state: GateState | undefined }[]): void;
  /** Out of turn. Joins a rebuild of that sale that is under way; never rejects. */
  now(sale: SaleStock): Promise<void>;
}

export function createRebuilds(ports: RebuildsPorts): Rebuilds {
  const underWay = new Map<string, Promise<void>>();
  let invalid = new Map<string, InvalidGate>();
  let waiting: SaleStock[] = [];

  function now(sale: SaleStock): Promise<void> {
    const joined = underWay.get(sale.id);
    if (joined) return joined;
    const started = rebuild(sale).finally(() => {
      underWay.delete(sale.id);
      startNext();
    });
    underWay.set(sale.id, started);
    return started;
  }

  async function rebuild(sale: SaleStock) {
    try {
      const known = invalid.get(sale.id) ?? { sinceMs: performance.now(), epoch: 0 };
      const reason = await rebuildGate(sale, known, ports);
      if (reason) ports.rebuilt(sale.id, reason);
    } catch (error) {
      ports.rebuildFailed(sale.id, error);
    }
  }

  function startNext() {
    while (underWay.size < MOST_AT_ONCE) {
      const sale = waiting.shift();
      if (!sale) return;
      void now(sale);
    }
  }

  return {
    now,
    enqueue(invalidGates) {
      const before = invalid;
      invalid = new Map(
        invalidGates.map(({ sale, state }) => {
          const { sinceMs, epoch } = before.get(sale.id) ?? { sinceMs: performance.now(), epoch: 0 };
          return [sale.id, { sinceMs, epoch: Math.max(epoch, state?.epoch ?? 0) }];
        }),
      );
      waiting = invalidGates.map(({ sale }) => sale).filter(({ id }) => !underWay.has(id));
      startNext();
    },
  };
}
