// What the gateway's stories ask of the world: the gate, the line, orders, inventory, the view.
import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import type { OrderStatus } from '@flashsale/contracts/wire';
import type { OrderView } from './order-view.ts';
import type { Sale } from './sale.ts';

export type Admission =
  | { kind: 'admitted' }
  | { kind: 'already-bought'; orderId: string }
  /** The idempotency key came before. */
  | { kind: 'repeated'; first: FirstOrder }
  | { kind: 'sold-out' | 'not-open' | 'closed' }
  /** The gate did not act: it is being rebuilt, or Redis is away. */
  | { kind: 'stale' }
  /** It may have acted. */
  | { kind: 'unknown' };

/** What the first request with an idempotency key was for. */
export interface FirstOrder {
  orderId: string;
  quantity: number;
}

export interface GateState {
  epoch: number;
  revision: number;
  tickets: number;
  /** False when it was built in another Redis process, so is a copy of unknown age. */
  current: boolean;
}

export interface DueRecord {
  orderId: string;
  buyerId: string;
  quantity: number;
  state: 'unsent' | 'sent';
  /** Absent in a record that a rebuild restored. */
  command?: OrderCommand;
}

export interface Snapshot {
  sale: Sale;
  available: number;
  reservations: { orderId: string; buyerId: string; quantity: number }[];
}

/** Each change is one script. What answers a plain value rejects when Redis cannot be asked. */
export interface Gate {
  admit(command: OrderCommand, dueInMs: number, idempotencyKey?: string): Promise<Admission>;
  /** The order that was admitted with that key; `stale`: the gate is not to be believed just now. */
  recall(buyer: { saleId: string; buyerId: string }, idempotencyKey: string): Promise<FirstOrder | 'stale' | null>;
  /** The id of the buyer's one live order, as far as a gate that is to be believed knows. */
  orderOf(saleId: string, buyerId: string): Promise<string | 'stale' | null>;
  /** `sent`: the broker is known to have it. Null: the gate has no such order. */
  stateOf(order: { saleId: string; orderId: string }): Promise<'unsent' | 'sent' | 'sold' | null>;
  /** 1 is next; null for who is not in line, or was when the gate was lost. */
  position(order: { saleId: string; orderId: string }): Promise<number | null>;
  markSent(command: { saleId: string; orderId: string }): Promise<void>;
  /** True: given back, nothing happened. False: it cannot be known. */
  refuse(command: OrderCommand): Promise<boolean>;
  claim(saleId: string): Promise<{ epoch: number; records: DueRecord[] }>;
  settleConfirmed(saleId: string, orderId: string, epoch: number): Promise<void>;
  settleEnded(saleId: string, orderId: string, buyerId: string): Promise<void>;
  change(sale: Sale): Promise<void>;
  flip(snapshot: Snapshot): Promise<void>;
  /** One entry for each sale, in the same order. */
  read(saleIds: string[]): Promise<(GateState | undefined)[]>;
  /** Tickets left, for show: null for a gate that cannot be read just now. */
  remaining(saleIds: string[]): Promise<(number | null)[]>;
}

export interface OrderQueue {
  available(): boolean;
  publish(command: OrderCommand): Promise<'confirmed' | 'returned' | 'unsent' | 'unknown'>;
  /** Orders that wait in the queue or in one of its retry steps. */
  waiting(): Promise<number>;
}

/** An order as orders has it: like its event, but also before there is one. */
export type OrderAnswer = Omit<OrderEvent, 'status' | 'decidedAtMs'> & {
  status: OrderStatus;
  /** Decided, and everything that follows from it is done. */
  settled: boolean;
  decidedAtMs: number | null;
};

/** A question that no neighbour answered; nothing can have happened. */
export class Unanswered extends Error {}

/** Questions that are not answered reject with `Unanswered`. */
export interface Orders {
  /** Whether a call would find somebody there. */
  available(): boolean;
  /** One attempt. `shed`: orders refused before it did anything. */
  place(command: OrderCommand): Promise<OrderAnswer | 'shed' | 'unknown'>;
  /** Ids without a row are left out. */
  get(orderIds: string[]): Promise<Map<string, OrderAnswer>>;
  /** Makes sure that an order that never arrived never will; one with a row is answered as it is. */
  cancel(command: OrderCommand): Promise<OrderAnswer>;
}

export interface Inventory {
  createSale(sale: Sale): Promise<Sale>;
  getSale(saleId: string): Promise<Sale | undefined>;
  listSales(): Promise<Sale[]>;
  /** Undefined when somebody else changed it meanwhile. */
  changeSale(from: Sale, to: Sale): Promise<Sale | undefined>;
  /** Undefined when another gateway was first. */
  reopen(saleId: string, expectedEpoch: number): Promise<Snapshot | undefined>;
}

export interface OrderViews {
  /** Keeps the highest version. */
  show(view: OrderView): Promise<void>;
  find(orderId: string): Promise<OrderView | undefined>;
}
