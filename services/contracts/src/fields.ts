// What each field may hold, wherever it crosses a process boundary: a message, a call, a token.
import { z } from 'zod';

/** Postgres returns ids in small letters: in any other spelling a row would not be found again. */
export const Id = z.uuid().toLowerCase();

/** What no store can keep, or every neighbour refuses, must not get into a batch. */
export const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must have neither control characters nor halves of a character');

export const BuyerId = text(255);
export const Quantity = z.int32().min(1);
/** The path that the orders of a sale take: as messages, or by calls while the buyer waits. */
export const Mode = z.enum(['queued', 'direct']);
export type Mode = z.infer<typeof Mode>;

/** Of a gate; 0 is a sale without one, which cannot have admitted an order. */
export const Epoch = z.int32().min(1);

export const Money = z.object({
  amountMinor: z.int().min(1).describe('Minor currency units'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .describe('ISO 4217'),
});
export type Money = z.infer<typeof Money>;

const MOST_ITEMS = 1_000;
/** Of one call. */
export const batch = <Each extends z.ZodType>(each: Each) => z.array(each).max(MOST_ITEMS);
