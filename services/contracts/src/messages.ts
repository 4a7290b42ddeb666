// The two messages: what the gateway leaves for orders, and what orders tells whoever listens.
import { z } from 'zod';

// Postgres answers ids in small letters: in any other spelling a row would not be found again.
const id = z.uuid().toLowerCase();
const orderId = id;
const saleId = id;
// What no store can keep, or every neighbour refuses, must not get into a batch.
const buyerId = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must have neither control characters nor halves of a character');
const quantity = z.int32().min(1);
const epoch = z.int32().min(1);

export const OrderCommand = z.strictObject({
  orderId,
  saleId,
  buyerId,
  quantity,
  /** The gate's epoch at admission. */
  epoch,
  /** Unix milliseconds; still undecided then, the order is rejected (timed_out). */
  decideByMs: z.int().min(0),
});
export type OrderCommand = z.infer<typeof OrderCommand>;

export const FINAL_STATUSES = ['confirmed', 'rejected', 'expired', 'cancelled'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

export const OrderEvent = z.object({
  orderId,
  saleId,
  buyerId,
  quantity,
  epoch,
  status: z.enum(FINAL_STATUSES),
  reason: z.string().nullable(),
  /** Events of one order may arrive reversed: the highest version counts. */
  version: z.int32(),
  /** Minor currency units and an ISO 4217 code; null unless confirmed. */
  amountMinor: z.int().nullable(),
  currency: z.string().nullable(),
  /** Unix milliseconds. */
  decidedAtMs: z.int(),
});
export type OrderEvent = z.infer<typeof OrderEvent>;

/** For a consumer's `parse`: the value, or what is wrong with it in one line. */
export function read<Schema extends z.ZodType>(schema: Schema) {
  return (body: unknown): { value: z.infer<Schema> } | { dead: string } => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return { value: parsed.data };
    return {
      dead: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '),
    };
  };
}
