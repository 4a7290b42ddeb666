// What a request must look like, field by field.
import { RpcError, status } from '@flashsale/rpc/server';
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

// An error travels in an HTTP/2 header, which is bounded.
const MOST_NAMED = 50;

export function read<Schema extends z.ZodType>(schema: Schema, request: unknown): z.infer<Schema> {
  const given = schema.safeParse(request);
  if (given.success) return given.data;
  const named = given.error.issues.slice(0, MOST_NAMED).map(({ path, message }) => `${fieldName(path)}: ${message}`);
  throw new RpcError(status.INVALID_ARGUMENT, named.join('; '));
}

/** As the .proto spells it: `items[3].amount_minor`. */
const fieldName = (path: PropertyKey[]) =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .slice(1)
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
