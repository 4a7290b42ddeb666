// Reversals: a Void is a durable intent, repeated at the bank until the bank has answered.
import type { Bank, Ledger, States } from './ports.ts';

export const REVERSALS_AT_ONCE = 20;

/** Several processes may reverse the same charge, because reversing twice is reversing once. */
export function createReversals(ledger: Ledger, bank: Bank) {
  const underWay = new Set<Promise<void>>();
  /** Set by the background job, which runs as soon as it is started. */
  let startMore: () => void = () => undefined;

  async function reverse(orderId: string): Promise<void> {
    const answer = await bank.reverse(orderId);
    if (answer !== 'unknown') await ledger.record('reversing', orderId, answer);
  }

  return {
    async void(orderIds: string[]): Promise<States> {
      const states = await ledger.void(orderIds);
      startMore();
      return states;
    },
    /** Starts as many as may be under way, and waits for none: a key on which the bank hangs delays no other. */
    async start(again: () => void): Promise<void> {
      startMore = again;
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
