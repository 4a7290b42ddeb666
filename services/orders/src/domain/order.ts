// An order as its row says it, and what the story may ask of the world.
import type { Money } from '@flashsale/contracts/fields';
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { ChargeState, OrderStatus, ReservationState } from '@flashsale/contracts/wire';

export interface Order extends Omit<OrderCommand, 'decideByMs'> {
  status: OrderStatus;
  reason: string | null;
  /** Decided, but what must follow is not done yet. */
  open: boolean;
  version: number;
  amount: Money | null;
  decidedAtMs: number | null;
}

export interface Decision {
  orderId: string;
  status: 'confirmed' | 'rejected';
  reason: string | null;
  amount: Money | null;
}

export const isUndecided = (order: Order) => order.status === 'placed';
export const isSettled = (order: Order) => order.status !== 'placed' && order.status !== 'held' && !order.open;

export interface Ledger {
  /** A row for each command: a new one, the one that is there, or `rejected` (duplicate, timed_out). */
  place(commands: OrderCommand[]): Promise<Order[]>;
  /** Decides those that are still undecided, each with its event in the same transaction; answers just those. */
  decide(decisions: Decision[]): Promise<Order[]>;
  /** In the order of the ids; ids without a row are left out. */
  read(orderIds: string[]): Promise<Order[]>;
  /** Marks as closed what was decided and undone, each with its event. */
  close(orderIds: string[]): Promise<void>;
  /** Ends an order that never arrived, so that it never can; one that has a row is answered as it is. */
  cancelUnknown(command: OrderCommand): Promise<Order>;
  /** Rejects (timed_out, open) what is still undecided at its time. */
  timeOut(): Promise<Order[]>;
  /** Takes rows that nobody touched for a while; each goes to one taker, for a while again. */
  takeUnfinished(untouchedForMs: number): Promise<Order[]>;
}

/** In all answers of neighbours: an order without an entry is unknown, and is asked about again. */
export type Answers<Value> = Map<string, Value>;

export interface Reservation {
  state: ReservationState;
  reason: string;
  amount: Money;
}

export interface Inventory {
  reserve(orders: Order[], deadlineMs: number): Promise<Answers<Reservation>>;
  confirm(orders: Order[], deadlineMs: number): Promise<Answers<ReservationState>>;
  release(orders: Order[], deadlineMs: number): Promise<Answers<ReservationState>>;
}

export interface Payment {
  charge(orders: { orderId: string; amount: Money }[], deadlineMs: number): Promise<Answers<ChargeState>>;
  void(orders: Order[], deadlineMs: number): Promise<Answers<ChargeState>>;
}

export interface Ports {
  ledger: Ledger;
  inventory: Inventory;
  payment: Payment;
}

/** How long whoever brought the orders lets them take. */
export interface Patience {
  /** Milliseconds for the next call to a neighbour. */
  callMs(): number;
  /** The same for the bank, the slow one. */
  chargeMs(): number;
  /** False once nobody waits for the answer any more. */
  wanted(): boolean;
}
