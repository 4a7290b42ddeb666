// What the gateway's stories ask of the world: the gate, the line, orders, inventory, the view.
import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import type { OrderStatus } from '@flashsale/contracts/wire';
import type { Sale } from './sale.ts';

export type Admission =
  | { kind: 'admitted' }
  | { kind: 'already-bought'; orderId: string }
  | { kind: 'sold-out' | 'not-open' | 'closed' }
  /** The gate did not act: it is being rebuilt, or Redis is away. */
  | { kind: 'stale' }
  /** It may have acted. */
  | { kind: 'unknown' };

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

/** Each call is one script. Those that answer a plain value reject when Redis cannot be asked. */
export interface Gate {
  admit(command: OrderCommand, dueInMs: number): Promise<Admission>;
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

export interface OrderAnswer {
  orderId: string;
  saleId: string;
  buyerId: string;
  quantity: number;
  epoch: number;
  status: OrderStatus;
  reason: string | null;
  version: number;
  settled: boolean;
  amountMinor: number | null;
  currency: string | null;
  decidedAtMs: number | null;
}

export interface Orders {
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
  /** Undefined when another gateway was first. */
  reopen(saleId: string, expectedEpoch: number): Promise<Snapshot | undefined>;
}

/** `version` 0 is an order that only the gate knows of. */
export type OrderView = Omit<OrderEvent, 'status' | 'decidedAtMs' | 'epoch'> & {
  status: 'queued' | 'held' | OrderEvent['status'];
  decidedAtMs: number | null;
};

export const UNDECIDED = { reason: null, version: 0, amountMinor: null, currency: null, decidedAtMs: null } as const;

export interface OrderViews {
  /** Keeps the highest version. */
  show(view: OrderView): Promise<void>;
  find(orderId: string): Promise<OrderView | undefined>;
}
