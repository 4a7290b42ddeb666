// The two messages: what the gateway leaves for orders, and what orders tells whoever listens.
import { z } from 'zod';
import { BuyerId, Epoch, Id, Quantity } from './fields.ts';

export const OrderCommand = z.strictObject({
  orderId: Id,
  saleId: Id,
  buyerId: BuyerId,
  quantity: Quantity,
  /** The gate's at admission. */
  epoch: Epoch,
  /** Unix milliseconds; still undecided then, the order is rejected (timed_out). */
  decideByMs: z.int().min(0),
});
export type OrderCommand = z.infer<typeof OrderCommand>;

export const FINAL_STATUSES = ['confirmed', 'rejected', 'expired', 'cancelled'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

export const OrderEvent = z.object({
  orderId: Id,
  saleId: Id,
  buyerId: BuyerId,
  quantity: Quantity,
  epoch: Epoch,
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
