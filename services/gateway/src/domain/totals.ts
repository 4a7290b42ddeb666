// All gates together, as this gateway last read them.
import type { Mode } from '@flashsale/contracts/fields';
import type { Clock, GateState } from './ports.ts';
import { isOver, type Sale } from './sale.ts';

export interface Totals {
  waiting: number;
  /** How long the first of them has waited; 0 when none waits. */
  oldestSeconds: number;
  /** Those of sales that are not over. */
  tickets: number;
}

export function createTotals({ nowMs }: Clock) {
  let gates: { sale: Sale; state: GateState | undefined }[] = [];

  return {
    see(sales: Sale[], states: (GateState | undefined)[]) {
      gates = sales.map((sale, index) => ({ sale, state: states[index] }));
    },
    /** The age is that of now: while the gates cannot be read, it goes on growing. */
    of(mode: Mode): Totals {
      const now = nowMs() ?? Date.now();
      const totals = { waiting: 0, oldestSeconds: 0, tickets: 0 };
      for (const { sale, state } of gates) {
        if (sale.mode !== mode || !state) continue;
        totals.waiting += state.waiting;
        totals.oldestSeconds = Math.max(totals.oldestSeconds, (now - (state.waitingSinceMs ?? now)) / 1_000);
        if (!isOver(sale, now)) totals.tickets += state.tickets;
      }
      return totals;
    },
  };
}
