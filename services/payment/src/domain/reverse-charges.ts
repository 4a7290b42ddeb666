// Reversals: a Void is a durable intent, repeated at the bank until the bank has answered.
import type { Bank, Ledger } from './ports.ts';

export const REVERSALS_AT_ONCE = 20;

/** Several processes may reverse the same charge, because reversing twice is reversing once. */
export function createReversals(ledger: Ledger, bank: Bank) {
  const underWay = new Set<Promise<void>>();

  async function reverse(orderId: string): Promise<void> {
    const answer = await bank.reverse(orderId);
    if (answer !== 'unknown') await ledger.record('reversing', orderId, answer);
  }

  return {
    /** Starts as many as may be under way, and waits for none: a key on which the bank hangs delays no other. */
    async start(startMore: () => void): Promise<void> {
      const free = REVERSALS_AT_ONCE - underWay.size;
      const orderIds = free > 0 ? await ledger.claimReversals(free) : [];
      for (const orderId of orderIds) {
        // After any failure the charge is due again soon.
        const reversal = reverse(orderId)
          .catch(() => undefined)
          .finally(() => {
            underWay.delete(reversal);
            startMore();
          });
        underWay.add(reversal);
      }
    },
    async ended(): Promise<void> {
      await Promise.all(underWay);
    },
  };
}
