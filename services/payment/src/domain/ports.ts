// The ledger and the bank that the use cases of payment need, and the words of both for a charge.
import type { ChargeState, Money } from '@flashsale/contracts/fields';

export interface ChargeItem {
  orderId: string;
  amount: Money;
}

export interface Charge {
  orderId: string;
  state: ChargeState;
  /** Null where the order was voided before it was charged. */
  amount: Money | null;
}

export type States = ReadonlyMap<string, ChargeState>;

export type BankAnswer = 'captured' | 'declined' | 'reversed';

export interface Ports {
  ledger: Ledger;
  bank: Bank;
}

export interface Ledger {
  /** Records as `requested` what is not known yet, before the bank is called; returns each charge as it is. */
  request(items: ChargeItem[]): Promise<Charge[]>;
  /**
   * Records the bank's answer, coalesced with others of the same few milliseconds; a charge that is no longer in `from`
   * stays as it is. Returns its state then.
   */
  record(from: 'requested' | 'reversing', orderId: string, answer: BankAnswer): Promise<ChargeState | undefined>;
  /** An unknown order becomes `voided`; a charge that is or may be captured becomes `reversing`; the rest stays. */
  void(orderIds: string[]): Promise<States>;
  find(orderId: string): Promise<Charge | undefined>;
  /** The longest due first; each is due again after a while, unless its answer is recorded by then. */
  claimReversals(most: number): Promise<string[]>;
}

/** The key is the order's id, so that a call may be repeated. `unknown`: it may have happened, or may happen yet. */
export interface Bank {
  charge(item: ChargeItem, timeout: AbortSignal): Promise<BankAnswer | 'unknown'>;
  /** Cancels or refunds, whichever applies; a later charge is refused. */
  reverse(orderId: string): Promise<'reversed' | 'declined' | 'unknown'>;
}
