// The bodies of successful responses.
import { Id, Mode, Money } from '@flashsale/contracts/fields';
import { Choice, choiceOf, OrderEvent } from '@flashsale/contracts/messages';
import { z } from 'zod';
import type { FoundOrder } from '../domain/find-order.ts';
import { awaitsPayment, type OrderView } from '../domain/order-view.ts';
import type { Sale } from '../domain/sale.ts';

const instant = z.iso.datetime();
const amount = z.strictObject(Money.shape);

export const SaleBody = z.strictObject({
  id: Id,
  sku: z.string(),
  title: z.string(),
  price: amount,
  stock: z.int(),
  opensAt: instant,
  closesAt: instant,
  perBuyerLimit: z.int(),
  mode: Mode,
  checkout: z.enum(['instant', 'hold']),
  holdSeconds: z.int(),
  decideWithinSeconds: z.int(),
  closed: z.boolean(),
  revision: z.int().describe('Grows with each change'),
  remaining: z.int().nullable().describe('Units that the gate can still give; null while it has none'),
});
export const SalesBody = z.strictObject({ sales: z.array(SaleBody) });

export const OrderBody = z.strictObject({
  orderId: Id,
  saleId: Id.optional(),
  ...Choice.partial().shape,
  status: z.enum(['queued', ...OrderEvent.shape.status.options]),
  reason: z.string().optional(),
  amount: amount.optional(),
  deadline: instant.optional().describe('Of a hold that waits for its payment'),
  refund: OrderEvent.shape.refund.exclude(['none']).optional().describe('Of the money of an order that has ended'),
  createdAt: instant,
  decidedAt: instant.optional(),
  position: z.int().optional().describe('In line, while queued or being paid; 1 is next'),
  estimatedWaitMs: z.int().nullable().optional().describe('Milliseconds; null while the line does not move'),
});

export const QueuedBody = z.strictObject({ orderId: Id, status: z.literal('queued') });
export const ReservedBody = z.strictObject({
  orderId: Id,
  status: z.literal('reserved'),
  deadline: instant.describe('To be paid until then'),
  amount,
});
export const PayingBody = z.strictObject({ orderId: Id, status: z.literal('reserved') });
export const ConfirmedBody = z.strictObject({ orderId: Id, status: z.literal('confirmed'), amount });

export function fromSale(sale: Sale, remaining: number | null): z.infer<typeof SaleBody> {
  const { id, sku, title, price, stock, perBuyerLimit, mode, checkout, holdSeconds, decideWithinSeconds } = sale;
  return {
    ...{ id, sku, title, price, stock },
    opensAt: new Date(sale.opensAtMs).toISOString(),
    closesAt: new Date(sale.closesAtMs).toISOString(),
    ...{ perBuyerLimit, mode, checkout, holdSeconds, decideWithinSeconds },
    closed: sale.closed,
    revision: sale.revision,
    remaining,
  };
}

export function fromOrder(order: FoundOrder, mintedAtMs: number): z.infer<typeof OrderBody> {
  const { orderId, saleId, quantity, status, reason, amount, refund, decidedAtMs, deadlineMs, waiting } = order;
  return {
    orderId,
    ...(saleId && { saleId }),
    ...(quantity && choiceOf({ ...order, quantity })),
    status,
    ...(reason && { reason }),
    ...(amount && { amount }),
    ...(awaitsPayment(order) && deadlineMs !== null && { deadline: new Date(deadlineMs).toISOString() }),
    ...(refund !== 'none' && { refund }),
    createdAt: new Date(mintedAtMs).toISOString(),
    ...(decidedAtMs && { decidedAt: new Date(decidedAtMs).toISOString() }),
    ...(waiting && { position: waiting.position, estimatedWaitMs: waiting.waitMs }),
  };
}

export const moneyOf = ({ amount }: OrderView): Money => amount ?? { amountMinor: 0, currency: '' };
