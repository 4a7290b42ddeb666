// Opening a gate, for the first time or again after Redis lost or aged it: one procedure, safe to start at any time by anybody.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate, GateState, Inventory, OrderQueue } from './ports.ts';
import type { Sale } from './sale.ts';

const LONGEST_COURTESY_MS = 120_000;

export const mustOpen = (sale: Sale, state: GateState | undefined) => !state?.current || state.epoch !== sale.epoch;

/** The new epoch fences the old gate's orders in inventory, in the same transaction that says what the new gate holds. */
export async function openGate(
  sale: Sale,
  ports: { gate: Gate; inventory: Inventory; queue: OrderQueue; directDeadlineMs: number },
) {
  if (sale.epoch > 0) {
    await lineToEnd(sale, ports.queue, ports.directDeadlineMs);
    // Somebody else may have opened it meanwhile; a needless fence is safe, but it rejects whoever is in line by then.
    const [state] = await ports.gate.read([sale.id]);
    if (!mustOpen(sale, state)) return;
  }
  const snapshot = await ports.inventory.reopen(sale.id, sale.epoch);
  // Sent once: when its outcome is unknown, the next round starts over with an epoch of its own.
  if (snapshot) await ports.gate.flip(snapshot);
}

/** A courtesy, not safety: orders of the old gate that are not reserved by the fence are rejected. */
async function lineToEnd(sale: Sale, queue: OrderQueue, directDeadlineMs: number) {
  if (sale.mode === 'direct') return sleep(directDeadlineMs);
  const giveUpAt = Date.now() + LONGEST_COURTESY_MS;
  for (let empty = 0; empty < 2 && Date.now() < giveUpAt; ) {
    empty = (await queue.waiting()) === 0 ? empty + 1 : 0;
    if (empty < 2) await sleep(1_000);
  }
}
