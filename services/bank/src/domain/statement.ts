// The entry of a key on the bank's statement.
import type { Turn } from './charge-queue.ts';

export interface Money {
  amountMinor: number;
  currency: string;
}

export interface Entry {
  key: string;
  status: 'captured' | 'declined' | 'reversed';
  /** When the status became what it is. */
  atMs: number;
  /** Absent where a key was reversed before anything was taken. */
  charge?: Money & Turn;
}

export type StatementLine = { key: string; status: Entry['status'] } & Money & Turn;

export interface Statement {
  find(key: string): Entry | undefined;
  /** Returns when the entry is safe. */
  write(entry: Entry): void;
  /** Charges that took a turn, in the order of their turns; `sinceMs` compares with their last change. */
  charges(sinceMs: number): StatementLine[];
}

export const same = (one: Money, other: Money) =>
  one.amountMinor === other.amountMinor && one.currency === other.currency;
