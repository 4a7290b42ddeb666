// What inventory asks of its ledger. Each call is one transaction.
import type { Item, Remembered, Reservation } from './allocate.ts';
import type { NewSale, Problem, Sale } from './sale.ts';

export interface Ledger {
  /** A sale that is there already stays as it is. */
  create(sale: NewSale): Promise<void>;
  find(saleId: string): Promise<Sale | undefined>;
  /** Newest first. */
  list(): Promise<Sale[]>;
  /** Undefined: no such sale. */
  change(saleId: string, rule: (sale: Sale) => Changed): Promise<Changed | undefined>;
  /** Undefined: no such sale, or no longer of that epoch. */
  reopen(saleId: string, expectedEpoch: number): Promise<{ sale: Sale; reservations: Item[] } | undefined>;
  /** The sale of each order that is remembered. */
  salesOf(orderIds: string[]): Promise<ReadonlyMap<string, string>>;
  /** Under the sale's lock; answers what is remembered of these orders afterwards. */
  decide(saleId: string, orderIds: string[], rule: Rule): Promise<{ sale: Sale | undefined; remembered: Remembered }>;
}

/** The sale as it shall be, or why it cannot. */
export type Changed = { sale: Sale } | { problems: Problem[] };

/** From what is there to what changes. */
export type Rule = (sale: Sale | undefined, remembered: Remembered) => Reservation[];
