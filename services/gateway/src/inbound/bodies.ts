// What clients are sent when all is well.
import { z } from 'zod';
import type { Standing } from '../domain/find-order.ts';
import type { Sale } from '../domain/sale.ts';

const id = z.uuid();
const instant = z.iso.datetime();
const amount = z.strictObject({
  amountMinor: z.int().describe('Minor currency units'),
  currency: z.string().describe('ISO 4217'),
});

export const SaleBody = z.strictObject({
  id,
  sku: z.string(),
  title: z.string(),
  price: amount,
  stock: z.int(),
  opensAt: instant,
  closesAt: instant,
  perBuyerLimit: z.int(),
  mode: z.enum(['queued', 'direct']),
  checkout: z.enum(['instant', 'hold']),
  holdSeconds: z.int(),
  decideWithinSeconds: z.int(),
  closed: z.boolean(),
  revision: z.int().describe('Grows with each change'),
  remaining: z.int().nullable().describe('Units that the gate can still give; null while it has none'),
});
export const SalesBody = z.strictObject({ sales: z.array(SaleBody) });

export const OrderBody = z.strictObject({
  orderId: id,
  saleId: id.optional(),
  quantity: z.int().optional(),
  status: z.enum(['queued', 'held', 'confirmed', 'rejected', 'expired', 'cancelled']),
  reason: z.string().optional(),
  amount: amount.optional(),
  createdAt: instant,
  decidedAt: instant.optional(),
  position: z.int().optional().describe('In line, while queued; 1 is next'),
  estimatedWaitMs: z.int().nullable().optional().describe('Milliseconds; null while the line does not move'),
});

export const QueuedBody = z.strictObject({ orderId: id, status: z.literal('queued') });
export const ConfirmedBody = z.strictObject({ orderId: id, status: z.literal('confirmed'), amount });

export function fromSale(
  { opensAtMs, closesAtMs, epoch: _, ...sale }: Sale,
  remaining: number | null,
): z.infer<typeof SaleBody> {
  return {
    ...sale,
    opensAt: new Date(opensAtMs).toISOString(),
    closesAt: new Date(closesAtMs).toISOString(),
    remaining,
  };
}

export function fromOrder(order: Standing, mintedAtMs: number): z.infer<typeof OrderBody> {
  const { orderId, saleId, quantity, status, reason, amountMinor, currency, decidedAtMs, line } = order;
  return {
    orderId,
    ...(saleId && { saleId, quantity }),
    status,
    ...(reason && { reason }),
    ...(amountMinor && currency && { amount: { amountMinor, currency } }),
    createdAt: new Date(mintedAtMs).toISOString(),
    ...(decidedAtMs && { decidedAt: new Date(decidedAtMs).toISOString() }),
    ...(line && { position: line.position, estimatedWaitMs: line.waitMs }),
  };
}
