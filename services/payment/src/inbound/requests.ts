// What a request must look like, field by field.
import { z } from 'zod';

const MOST_ITEMS = 1_000;

// Postgres answers ids in small letters; the bank's key is the id, and must have one spelling.
const id = z.uuid().toLowerCase();
const batch = <Each extends z.ZodType>(each: Each) => z.array(each).max(MOST_ITEMS);

const item = z.object({
  orderId: id,
  amountMinor: z.int().min(1),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
});

export const Charge = z.object({ items: batch(item) });
export const Void = z.object({ orderIds: batch(id) });
export const GetCharge = z.object({ orderId: id });
