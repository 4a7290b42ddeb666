// The ledger and the two participants that the use cases of orders need.
import type { ChargeState, Money, ReservationState } from '@flashsale/contracts/fields';
import type { Order, Placement } from './order.ts';

/** Inventory's response to Reserve, for one order. */
export interface Reservation {
  state: ReservationState;
  reason: Order['reason'];
  amount: Money;
  checkout: string;
  holdSeconds: number;
  decideWithinSeconds: number;
}

/** Rows that one statement of a background job takes. */
export const MAX_TAKEN = 200;

/**
 * Each decision is one conditional statement, which also leaves what must follow in the outbox: a message to
 * `payments.due`, an event, or the mark that compensation is pending. Each returns the rows that it changed: an order
 * that is missing there was decided elsewhere, and its row is to be read.
 */
export interface Ledger {
  /** A row for each: a new one, the one that is there, or a new `rejected` one (duplicate, timed_out). */
  place(placements: Placement[]): Promise<Order[]>;
  reserve(reservations: ({ orderId: string } & Reservation)[]): Promise<Order[]>;
  refuse(refusals: Pick<Order, 'orderId' | 'reason'>[]): Promise<Order[]>;
  /** Undefined: not reserved, its payment is requested already, or another buyer's. */
  requestPayment(orderId: string, buyerId: string): Promise<Order | undefined>;
  confirm(orderIds: string[]): Promise<Order[]>;
  decline(orderIds: string[]): Promise<Order[]>;
  cancelReserved(orderId: string, buyerId: string): Promise<Order | undefined>;
  cancelConfirmed(orderId: string): Promise<Order | undefined>;
  /** Refuses an order that never arrived; undefined when it has a row. */
  giveUp(placement: Placement): Promise<Order | undefined>;
  /** At most MAX_TAKEN rows past their deadline, ended as `expired` or `rejected` (timed_out). */
  timeOut(): Promise<Order[]>;
  /** At most MAX_TAKEN rows with their compensation pending, untouched for a while; each goes to one taker. */
  takeCompensationPending(untouchedForMs: number): Promise<Order[]>;
  compensated(outcomes: { orderId: string; refund: Order['refund'] }[]): Promise<Order[]>;
  /** At most MAX_TAKEN orders whose refund is owed and due for a check; due again later each time, at most 5 min. */
  takeRefundsOwed(): Promise<string[]>;
  /** `none`: the charge turned out to be declined. */
  refunded(outcomes: { orderId: string; refund: Order['refund'] }[]): Promise<Order[]>;
  /** Ids without a row are left out. */
  read(orderIds: string[]): Promise<Order[]>;
}

/** In all responses of participants: an order without an entry is unknown, and its call is repeated. */
export type Outcomes<Value> = Map<string, Value>;

export interface Inventory {
  reserve(orders: Order[], timeoutMs: number): Promise<Outcomes<Reservation>>;
  /** Coalesced with other confirms of the same few milliseconds; undefined: unknown. */
  confirm(orderId: string, timeoutMs: number): Promise<ReservationState | undefined>;
  release(orders: Order[], timeoutMs: number): Promise<Outcomes<ReservationState>>;
}

export interface Payment {
  /** Coalesced with other charges of the same few milliseconds; undefined: unknown, and to be repeated. */
  charge(order: { orderId: string; amount: Money }, timeoutMs: number): Promise<ChargeState | undefined>;
  void(orderIds: string[], timeoutMs: number): Promise<Outcomes<ChargeState>>;
  /** Undefined: unknown. */
  stateOf(orderId: string, timeoutMs: number): Promise<ChargeState | undefined>;
}

export interface Ports {
  ledger: Ledger;
  inventory: Inventory;
  payment: Payment;
}

/** Milliseconds for the calls to participants, read before each: the time of a caller who waits runs out. */
export interface Timeouts {
  readonly callMs: number;
  /** The same for the bank, the slow one. */
  readonly chargeMs: number;
}
