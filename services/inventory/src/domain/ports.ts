// The stores that the use cases of inventory need. Each call is one transaction; a Reopen also reads a snapshot of it.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import type { Item, Remembered, Rule } from './allocate.ts';
import type { Changed } from './sale.ts';

export interface Ports {
  ledger: Ledger;
  reopen: Reopen;
}

export interface Ledger {
  /** A sale that is there already stays as it is. */
  createSale(sale: NewSale): Promise<void>;
  findSale(saleId: string): Promise<Sale | undefined>;
  /** Newest first. */
  listSales(): Promise<Sale[]>;
  /** Under the sale's lock. Undefined: no such sale. */
  changeSale(saleId: string, rule: (sale: Sale) => Changed): Promise<Changed | undefined>;
  /** The sale of each order that is remembered. */
  salesOf(orderIds: string[]): Promise<ReadonlyMap<string, string>>;
  /** Under the sale's lock; returns what is remembered of these orders afterwards. */
  decide(saleId: string, orderIds: string[], rule: Rule): Promise<Decided>;
}

export interface Decided {
  sale: Sale | undefined;
  remembered: Remembered;
}

/**
 * Raises the epoch by compare-and-set. `lost`: no such sale, no longer of that epoch, or reopened a moment ago; `busy`:
 * too many run. Nothing was done then.
 */
export type Reopen = (
  saleId: string,
  epochs: { expected: number; ofGate: number },
) => Promise<Reopened | 'lost' | 'busy'>;

/** To be closed, by its reader, whether its pages are read or not. */
export interface Reopened {
  /** As it is after the compare-and-set. */
  sale: Sale;
  /** The held and sold reservations of that instant, each time as many as fit one message. */
  pages(): AsyncIterable<Taken[]>;
  close(): Promise<void>;
}

export type Taken = Omit<Item, 'saleId'>;
