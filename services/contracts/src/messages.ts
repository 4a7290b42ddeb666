// The messages: what the gateway leaves for orders, what orders leaves for itself, and what it publishes of each order.
// Unknown fields are ignored: a newer producer may be running beside an older consumer.
import { inOneLine, issuesOf } from '@flashsale/runtime/validation';
import { z } from 'zod';
import { BuyerId, cancelReason, Epoch, Id, Mode, Money, orderStatus, Quantity, refund } from './fields.ts';

/**
 * What a buyer chooses: requests, messages, views and responses derive from it. A field that is added has a default, for
 * messages and keys from before it existed.
 */
export const Choice = z.object({ quantity: Quantity });
export type Choice = z.infer<typeof Choice>;
/** With the defaults, and without any other field. */
export const choiceOf = (order: z.input<typeof Choice>): Choice => Choice.parse(order);

/** What stays as it was when the gate admitted the order. */
const AdmittedOrder = z.object({
  orderId: Id,
  saleId: Id,
  buyerId: BuyerId,
  ...Choice.shape,
  /** The gate's at admission. */
  epoch: Epoch,
});
export type AdmittedOrder = z.infer<typeof AdmittedOrder>;

/** On `orders.placed`. */
export const OrderCommand = AdmittedOrder.extend({
  mode: Mode,
  /** Unix milliseconds in Redis' time; not reserved and paid by then, the order is rejected (timed_out). */
  deadlineMs: z.int().min(0),
});
export type OrderCommand = z.infer<typeof OrderCommand>;

/** On `payments.due`: a reserved order whose payment was requested. */
export const PaymentDue = z.object({ orderId: Id, saleId: Id, amount: Money });
export type PaymentDue = z.infer<typeof PaymentDue>;

const EventStatus = z.enum(orderStatus.words).exclude(['placed']);
export const FINAL_STATUSES = EventStatus.exclude(['reserved']).options;
export type FinalStatus = (typeof FINAL_STATUSES)[number];
export const isFinalStatus = (status: string) => FINAL_STATUSES.some((final) => final === status);

/** Why inventory refuses an order. */
export const Refusal = z.enum(['sold_out', 'stale_epoch', 'unknown_sale']);
export type Refusal = z.infer<typeof Refusal>;
/** Why an order ended other than confirmed; one that has expired has none. */
export const Reason = z.enum([...Refusal.options, 'duplicate', 'declined', 'timed_out', ...cancelReason.words]);
export type Reason = z.infer<typeof Reason>;
/** Empty on the wire: none. One of a newer contract is passed on as it is. */
export const reasonFromWire = (wire: string) => (wire || null) as Reason | null;

/** On `order-events`: `reserved` for a hold that waits for its payment, else final. */
export const OrderEvent = AdmittedOrder.extend({
  status: EventStatus,
  /** A newer orders may know more of them: each is passed on as it is. */
  reason: z.nullable(z.string<Reason>()),
  /** Events of one order may arrive reversed: the highest version counts. */
  version: z.int32(),
  /** Null for an order that was never reserved. */
  amount: Money.nullable(),
  /** Unix milliseconds: of the order, of its hold, or of its payment. */
  deadlineMs: z.int(),
  refund: z.enum(refund.words),
  /** Unix milliseconds; null while reserved. */
  decidedAtMs: z.int().nullable(),
});
export type OrderEvent = z.infer<typeof OrderEvent>;

/** For a consumer's `parse`: the value, or what is wrong with it in one line. */
export function read<Schema extends z.ZodType>(schema: Schema) {
  return (body: unknown): { value: z.infer<Schema> } | { dead: string } => {
    const parsed = schema.safeParse(body);
    return parsed.success ? { value: parsed.data } : { dead: inOneLine(issuesOf(parsed.error)) };
  };
}
