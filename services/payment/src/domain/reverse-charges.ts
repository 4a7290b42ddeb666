// Taking back: a durable intent, answered at once, and carried to the bank until the bank has answered.
import type { Bank, Ledger, States } from './ports.ts';

export async function voidCharges(orderIds: string[], ledger: Ledger, reverseSoon: () => void): Promise<States> {
  const states = await ledger.void(orderIds);
  reverseSoon();
  return states;
}

export const REVERSALS_AT_ONCE = 20;

/** Several processes may be at it, because reversing twice is reversing once. */
export function createReversals({ ledger, bank }: { ledger: Ledger; bank: Bank }) {
  const atWork = new Set<Promise<void>>();

  async function reverse(orderId: string): Promise<void> {
    const answer = await bank.reverse(orderId);
    if (answer !== 'unknown') await ledger.record('reversing', orderId, answer);
  }

  return {
    /** Starts as many as may be under way. Waits for none: a key on which the bank hangs delays no other. */
    async start(onEnd: () => void): Promise<void> {
      const free = REVERSALS_AT_ONCE - atWork.size;
      const orderIds = free > 0 ? await ledger.claimReversals(free) : [];
      for (const orderId of orderIds) {
        // Whatever goes wrong, the charge is due again soon.
        const work = reverse(orderId)
          .catch(() => undefined)
          .finally(() => {
            atWork.delete(work);
            onEnd();
          });
        atWork.add(work);
      }
    },
    async stop(): Promise<void> {
      await Promise.all(atWork);
    },
  };
}
