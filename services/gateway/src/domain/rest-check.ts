// A gate that offers more or fewer tickets than there are units, although nothing of its sale is under way.
import type { GateState, SaleStock } from './ports.ts';

/**
 * True once the same mismatch was seen for `afterMs`: an event was lost, or an older copy was put into a running Redis.
 * Inventory and the gate are not read in one instant, so numbers that move are no mismatch.
 */
export function createRestCheck(afterMs: number): (sale: SaleStock, state: GateState) => boolean {
  const seen = new Map<string, { numbers: string; sinceMs: number }>();

  return (sale, state) => {
    if (!isMismatch(sale, state)) {
      seen.delete(sale.id);
      return false;
    }
    const numbers = [state.epoch, state.revision, state.tickets, sale.available].join(' ');
    const before = seen.get(sale.id);
    if (before?.numbers === numbers) return performance.now() - before.sinceMs >= afterMs;
    seen.set(sale.id, { numbers, sinceMs: performance.now() });
    return false;
  };
}

/** With another revision or epoch, the gate is only about to be changed or rebuilt. */
const isMismatch = (sale: SaleStock, { pending, revision, epoch, tickets }: GateState) =>
  pending === 0 && sale.held === 0 && revision === sale.revision && epoch === sale.epoch && tickets !== sale.available;
