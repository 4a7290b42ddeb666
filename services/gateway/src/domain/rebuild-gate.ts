// Opening a gate, for the first time or again after it was lost or shut: one procedure, safe to start at any time.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate, GateState, Inventory, OrderQueue, SaleStock } from './ports.ts';
import { isEmptyTwice } from './queue-progress.ts';
import type { Sale } from './sale.ts';

const CHECK_EVERY_MS = 1_000;

export interface RebuildPorts {
  gate: Pick<Gate, 'read' | 'lease' | 'makeRoom' | 'replace'>;
  inventory: Pick<Inventory, 'getSale' | 'reopen'>;
  queue: Pick<OrderQueue, 'waiting'>;
  catalogue: { learn(sales: Sale[]): void };
  directDeadlineMs: number;
  /** At most so long do queued orders of the old gate get to be reserved. */
  courtesyMs: number;
}

/** A gate that is not valid, as far as this gateway knows it. */
export interface InvalidGate {
  /** By `performance.now()`; since then it admits no order here. */
  sinceMs: number;
  /** The highest that was seen: an inventory restored from a backup may be behind it. */
  epoch: number;
}

export type RebuildReason = 'first' | 'missing' | 'history' | 'epoch';

/** Undefined for a valid gate. */
export function whyInvalid({ epoch }: Pick<Sale, 'epoch'>, state: GateState | undefined): RebuildReason | undefined {
  if (!state) return epoch === 0 ? 'first' : 'missing';
  if (!state.current) return 'history';
  return state.epoch === epoch ? undefined : 'epoch';
}

/** Why it was rebuilt; undefined when it was not: another gateway does it, or did. */
export async function rebuildGate(
  sale: SaleStock,
  invalid: InvalidGate,
  ports: RebuildPorts,
): Promise<RebuildReason | undefined> {
  // Rejects when this Redis cannot be written, so before an epoch is spent.
  const lease = await ports.gate.lease(sale.id);
  if (!lease) return undefined;
  try {
    return await rebuildUnderLease(sale, invalid, lease.lost, ports);
  } finally {
    await lease.release().catch(() => undefined);
  }
}

async function rebuildUnderLease(sale: SaleStock, invalid: InvalidGate, lost: AbortSignal, ports: RebuildPorts) {
  const { gate, inventory, catalogue } = ports;
  if (sale.epoch > 0) await letOrdersArrive(sale, invalid.sinceMs, lost, ports);
  // Read under the lease: another gateway may have rebuilt it since, and a needless epoch rejects what is queued.
  const [[state], fresh] = await Promise.all([gate.read([sale.id]), inventory.getSale(sale.id)]);
  const reason = fresh && whyInvalid(fresh, state);
  if (!reason) return undefined;
  const fits = await gate.makeRoom(sale.id, fresh.epoch, sale.held + sale.sold);
  if (!fits) throw new Error('redis has no room for the gate');
  if (lost.aborted) return undefined;

  const gateEpoch = Math.max(invalid.epoch, state?.epoch ?? 0);
  const snapshot = await inventory.reopen(sale.id, fresh.epoch, gateEpoch);
  if (!snapshot) return undefined;
  catalogue.learn([snapshot.sale]);
  try {
    // Sent once: when its outcome is unknown, the next refresh starts over with an epoch of its own.
    return (await gate.replace(snapshot, lost)) ? reason : undefined;
  } finally {
    await snapshot.pages[Symbol.asyncIterator]().return?.();
  }
}

/** A courtesy, not safety: orders of the old gate that are not reserved when the epoch is raised are rejected. */
async function letOrdersArrive(sale: Sale, sinceMs: number, lost: AbortSignal, ports: RebuildPorts) {
  const { queue, directDeadlineMs, courtesyMs } = ports;
  const remainingMs = () => sinceMs + (sale.mode === 'direct' ? directDeadlineMs : courtesyMs) - performance.now();
  const wait = (ms: number) => sleep(Math.max(0, ms), undefined, { signal: lost });
  if (sale.mode === 'direct') return wait(remainingMs());
  while (remainingMs() > 0) {
    if (await isEmptyTwice(queue, lost)) return;
    await wait(Math.min(remainingMs(), CHECK_EVERY_MS));
  }
}
