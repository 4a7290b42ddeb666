// What payment remembers of an order, and whom it asks.
import type { Money } from '@flashsale/contracts/fields';
import type { ChargeState } from '@flashsale/contracts/wire';

export interface ChargeItem extends Money {
  orderId: string;
}

/** Without money: voided before it was ever asked for. */
export interface Charge {
  orderId: string;
  state: ChargeState;
  amountMinor: number | null;
  currency: string | null;
}

export type States = ReadonlyMap<string, ChargeState>;

export interface Ledger {
  /** Remembers as `requested` what is not known yet, before anybody else hears of it; answers each charge as it is. */
  request(items: ChargeItem[]): Promise<Charge[]>;
  /** Answers what became of each: who is no longer in `from` stays as it is. */
  settle(from: 'requested' | 'reversing', answers: States): Promise<States>;
  /** What was never asked for becomes `voided`, what may be or become money becomes `reversing`, the rest stays. */
  void(orderIds: string[]): Promise<States>;
  find(orderId: string): Promise<Charge | undefined>;
  /** The longest due first; each is due again after a while, unless it is settled by then. */
  claimReversals(most: number): Promise<string[]>;
}

/** The key is the order's id, so that asking again is safe. `unknown`: it may have happened, or may happen yet. */
export interface Bank {
  charge(item: ChargeItem, patience: AbortSignal): Promise<'captured' | 'declined' | 'reversed' | 'unknown'>;
  /** Cancels or refunds, whichever applies; a later charge is refused. */
  reverse(orderId: string): Promise<'reversed' | 'declined' | 'unknown'>;
}
