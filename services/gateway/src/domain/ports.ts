// The ports of the gateway's use cases: the gate, the queue, orders, inventory, the order views.
import type { OrderStatus } from '@flashsale/contracts/fields';
import type { Choice, OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import type { Sale as SaleStock } from '@flashsale/contracts/sale';
import type { Sale } from './sale.ts';

/** Redis' clock as this gateway estimates it: the last TIME that it read, and the monotonic time since. */
export interface Clock {
  /** Unix milliseconds; undefined before the first reading, and when the last one is too old to be believed. */
  nowMs(): number | undefined;
}

export type Admission =
  /** `position`: among the waiting orders, 1 is next. */
  | { kind: 'admitted'; position: number }
  | { kind: 'already-bought'; orderId: string }
  /** The idempotency key came before. */
  | { kind: 'repeated'; first: FirstOrder }
  | { kind: 'sold-out' | 'not-open' | 'closed' }
  /** The gate did not act: it is missing, being rebuilt or not to be believed, Redis refuses writes, or it is too late. */
  | { kind: 'unavailable' }
  /** It may have acted. */
  | { kind: 'unknown' };

/** The choice of the first request with an idempotency key, and the order that it was for. */
export interface FirstOrder extends Choice {
  orderId: string;
}

export interface GateState {
  epoch: number;
  revision: number;
  /** All units of the sale, as the gate knows it. */
  stock: number;
  tickets: number;
  /** False when it was built in another Redis, or before its last restart or promotion: a copy of unknown age. */
  current: boolean;
  /** Orders that are admitted and not reserved yet, or paying; restored records and unpaid holds do not wait. */
  waiting: number;
  /** When the first of them was admitted or joined, in Unix milliseconds; null: none waits. */
  waitingSinceMs: number | null;
  /** Records that the sweeper must check at some time: admitted, and not known to be final. */
  pending: number;
}

export interface DueRecord {
  orderId: string;
  buyerId: string;
  quantity: number;
  state: 'unsent' | 'sent';
  /** Absent in a record that a rebuild restored. */
  command?: OrderCommand;
}

export interface TakenUnit {
  orderId: string;
  buyerId: string;
  quantity: number;
}

/** The source of a new gate: the state of one instant, read page by page. */
export interface Snapshot {
  /** With the new epoch. */
  sale: Sale;
  available: number;
  pages: AsyncIterable<TakenUnit[]>;
}

/** The right to rebuild one gate; renewed until it is given back or lost. */
export interface Lease {
  lost: AbortSignal;
  release(): Promise<void>;
}

/** Each change is one script. A method with a plain value rejects when Redis does not respond. */
export interface Gate {
  /** `untilMs` in Redis' time: a later admit has no effect. Sent once. */
  admit(
    command: OrderCommand,
    options: { untilMs: number; dueInMs: number; idempotencyKey?: string | undefined },
  ): Promise<Admission>;
  /** The order that was admitted with that key; `unavailable`: the gate is not to be believed just now. */
  recall(
    buyer: { saleId: string; buyerId: string },
    idempotencyKey: string,
  ): Promise<FirstOrder | 'unavailable' | null>;
  /** The id of the buyer's one live order, as far as a gate that is to be believed knows. */
  orderOf(saleId: string, buyerId: string): Promise<string | 'unavailable' | null>;
  /** `sent`: the broker is known to have it. Null: the gate has no such order. */
  stateOf(order: { saleId: string; orderId: string }): Promise<'unsent' | 'sent' | 'sold' | null>;
  /** True: a valid gate of that epoch never admitted it. False: it cannot be known. */
  absent(order: { saleId: string; orderId: string }, epoch: number): Promise<boolean>;
  /** 1 is next; null for an order that does not wait, or did when the gate was lost. */
  position(order: { saleId: string; orderId: string }): Promise<number | null>;
  markSent(order: { saleId: string; orderId: string }): Promise<void>;
  /** True: given back, nothing happened. False: it cannot be known. */
  refuse(command: OrderCommand): Promise<boolean>;
  /** At most `most` due records of each state, due again later each time; the gate's epoch with them. `damaged`: how many were moved aside. */
  claim(saleId: string, most: number): Promise<{ epoch: number; records: DueRecord[]; damaged: number }>;
  applyConfirmed(saleId: string, orderId: string, epoch: number): Promise<void>;
  applyEnded(order: { saleId: string; orderId: string; buyerId: string; quantity: number }): Promise<void>;
  change(sale: Sale): Promise<void>;
  /** From now on it admits no order, and any gateway rebuilds it. */
  shut(saleId: string, epoch: number): Promise<void>;
  /** Undefined: another gateway rebuilds it. Rejects when this Redis cannot be written. */
  lease(saleId: string): Promise<Lease | undefined>;
  /** True when Redis has room for so many records, if need be after the keys of a gate that is not of that epoch (but `keys`) were deleted. */
  makeRoom(saleId: string, epoch: number, records: number): Promise<boolean>;
  /** Stages the pages, then replaces the gate in one step, which is sent once. False: a gate of that epoch or a later one is there. */
  replace(snapshot: Snapshot, lost: AbortSignal): Promise<boolean>;
  /** One entry for each sale, in the same order; reads Redis' clock with them. */
  read(saleIds: string[]): Promise<(GateState | undefined)[]>;
  /** For show, and for estimates: null for a gate that cannot be read just now. */
  levels(saleIds: string[]): Promise<({ tickets: number; waiting: number } | null)[]>;
  /** A hold that is reserved waits no longer, until its payment is requested. */
  leaveWaiting(order: { saleId: string; orderId: string }): Promise<void>;
  joinWaiting(order: { saleId: string; orderId: string }): Promise<void>;
  /** Lets the keys of a sale that is over and has nothing pending expire in 7 days. True when it did. */
  expire(saleId: string): Promise<boolean>;
}

export interface OrderQueue {
  available(): boolean;
  publish(command: OrderCommand): Promise<'confirmed' | 'returned' | 'unsent' | 'unknown'>;
  /** Orders that wait in `orders.placed` or in one of its retry steps; workers may hold more. */
  waiting(): Promise<number>;
}

/** An order as orders has it: like its event, but also before there is one. */
export type Order = Omit<OrderEvent, 'status'> & {
  status: OrderStatus;
  payRequested: boolean;
  /** Decided, and everything that follows from it is done. */
  final: boolean;
};

/** A query without a response; nothing can have happened. */
export class NoResponse extends Error {}

/** Queries without a response reject with `NoResponse`. */
export interface Orders {
  /** Whether a call would find a process there. */
  available(): boolean;
  /** One attempt. `shed`: orders refused before it did anything. */
  place(command: OrderCommand): Promise<Order | 'shed' | 'unknown'>;
  /** Ids without a row are left out. Coalesced with other queries of the same few milliseconds. */
  get(orderIds: string[]): Promise<Map<string, Order>>;
  /** Requests the payment; in a direct sale, with the result if it is known in time. Undefined: no such order. */
  pay(order: { orderId: string; buyerId: string }): Promise<Order | 'unknown' | undefined>;
  /** Cancels for the buyer, if it is reserved and unpaid; the order as it is then. Undefined: no such order. */
  cancel(order: { orderId: string; buyerId: string }): Promise<Order | 'unknown' | undefined>;
  /** Cancels a confirmed order for the admin. */
  cancelConfirmed(orderId: string): Promise<Order | 'unknown' | undefined>;
  /** Makes sure that an order that never arrived never will; one with a row is returned as it is. */
  giveUp(command: OrderCommand): Promise<Order>;
}

export interface Inventory {
  createSale(sale: Sale): Promise<Sale>;
  getSale(saleId: string): Promise<Sale | undefined>;
  listSales(): Promise<SaleStock[]>;
  /** Undefined when another change came first. */
  changeSale(from: Sale, to: Sale): Promise<Sale | undefined>;
  /** Undefined, before anything was done: another gateway was first, it is too soon, or too many rebuild. */
  reopen(saleId: string, expectedEpoch: number, gateEpoch: number): Promise<Snapshot | undefined>;
}

/** A sale with inventory's counters. */
export type { SaleStock };

/** An order as its buyer sees it. `version` 0 is one that only the gate knows of. */
export type OrderView = Omit<OrderEvent, keyof Choice | 'status' | 'deadlineMs'> & {
  status: 'queued' | OrderEvent['status'];
  /** Unix milliseconds, of a hold that waits for its payment; else null. */
  deadlineMs: number | null;
  payRequested: boolean;
  /** Absent where only the id of the order is known. */
} & Partial<Choice>;

export interface OrderViews {
  /** Keeps the highest version; a final order's view is kept for minutes only. */
  show(view: OrderView): Promise<void>;
  find(orderId: string): Promise<OrderView | undefined>;
}
