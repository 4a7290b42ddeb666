// Taking back: a durable intent, answered at once, and carried to the bank until the bank has answered.
import type { ChargeState } from '@flashsale/contracts/wire';
import type { Bank, Ledger, States } from './charge.ts';

export async function voidCharges(orderIds: string[], ledger: Ledger, reverseSoon: () => void): Promise<States> {
  const states = await ledger.void(orderIds);
  reverseSoon();
  return states;
}

export const REVERSALS_AT_ONCE = 20;

/** One round; several processes may be at it, because reversing twice is reversing once. */
export async function reverseCharges({ ledger, bank }: { ledger: Ledger; bank: Bank }): Promise<void> {
  for (;;) {
    const orderIds = await ledger.claimReversals(REVERSALS_AT_ONCE);
    const answers = await reverse(orderIds, bank);
    // Nobody left, or a bank that does not answer: the next round is soon enough.
    if (answers.size === 0) return;
    await ledger.settle('reversing', answers);
  }
}

async function reverse(orderIds: string[], bank: Bank): Promise<States> {
  const answers = new Map<string, ChargeState>();
  await Promise.all(
    orderIds.map(async (orderId) => {
      const answer = await bank.reverse(orderId);
      if (answer !== 'unknown') answers.set(orderId, answer);
    }),
  );
  return answers;
}
