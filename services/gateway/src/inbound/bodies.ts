// The JSON of the public port: one schema gives the type, the check, the message and the documentation.
import { promisify } from 'node:util';
import { Id, Money, Quantity } from '@flashsale/contracts/fields';
import { Choice, choiceOf, OrderEvent } from '@flashsale/contracts/messages';
import { Instant, problemsOf, Sale, type SaleChange, type SaleProblem } from '@flashsale/contracts/sale';
import { issuesOf } from '@flashsale/runtime/validation';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { awaitsPayment, type FoundOrder } from '../domain/order-view.ts';
import type { OrderView } from '../domain/ports.ts';
import type { Sale as GateSale } from '../domain/sale.ts';
import { Problem } from './problems.ts';

const parseJson = promisify(express.json({ limit: '4kb', type: 'application/json' }));

/** Reads a body: small JSON objects, and nothing else. Undefined where there is none. */
export async function readJson(request: Request<object>, response: Response): Promise<unknown> {
  await parseJson(request, response);
  return request.body;
}

/** Throws the problem that names every field that is wrong. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, whole?: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', { errors: issuesOf(parsed.error, whole) });
}

const { sku, title, price, perBuyerLimit, mode, checkout, holdSeconds, decideWithinSeconds } = Sale.shape;
const stock = Sale.shape.stock.max(10_000_000);
const anyInstant = z.iso
  .datetime({ offset: true })
  .refine((at) => Instant.safeParse(Date.parse(at)).success, 'must be between 1970 and 9999');
const instant = z.iso.datetime();
const amount = z.strictObject(Money.shape);

export const SaleRequest = z
  .strictObject({
    ...{ sku, title },
    price: z.strictObject({ ...price.shape, amountMinor: price.shape.amountMinor.max(1_000_000_000) }),
    stock,
    opensAt: anyInstant,
    closesAt: anyInstant,
    perBuyerLimit: perBuyerLimit.max(1_000).default(1),
    mode,
    checkout: checkout.default('instant'),
    holdSeconds: holdSeconds.min(1).optional().describe('With `checkout: hold`: the time to pay'),
    decideWithinSeconds: decideWithinSeconds.default(600),
  })
  .superRefine(({ opensAt, closesAt, holdSeconds = 0, ...sale }, context) => {
    if (sale.checkout === 'instant' && holdSeconds > 0)
      context.addIssue({ code: 'custom', path: ['holdSeconds'], message: 'only goes with checkout hold' });
    const window = { opensAtMs: Date.parse(opensAt), closesAtMs: Date.parse(closesAt) };
    for (const { field, message } of problemsOf({ ...sale, ...window, holdSeconds }).map(inBody))
      context.addIssue({ code: 'custom', path: [field], message });
  })
  .meta({ id: 'SaleRequest' });

/** A body has its instants in ISO 8601, a sale in milliseconds. */
export const inBody = ({ field, message }: SaleProblem) => ({ field: field.replace(/Ms$/, ''), message });

export const SaleChangeRequest = z
  .strictObject({
    stock: stock.optional().describe('All units of the sale, those sold included; only grows'),
    closed: Sale.shape.closed.optional(),
    opensAt: anyInstant.optional(),
    closesAt: anyInstant.optional(),
    revision: Sale.shape.revision.optional().describe('Of the sale that the change was made for'),
  })
  .refine(({ revision: _, ...changes }) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'SaleChange' });

export const SaleBody = z
  .strictObject({
    ...Sale.pick({ id: true, sku: true, title: true }).shape,
    price: amount,
    stock: Sale.shape.stock,
    opensAt: instant,
    closesAt: instant,
    ...{ perBuyerLimit, mode, checkout, holdSeconds, decideWithinSeconds },
    closed: Sale.shape.closed,
    revision: Sale.shape.revision.describe('Grows with each change'),
    remaining: z.int().nullable().describe('Units that the gate can still give; null while it has none'),
  })
  .meta({ id: 'Sale' });
export const SalesBody = z.strictObject({ sales: z.array(SaleBody) }).meta({ id: 'Sales' });

export const OrderRequest = z
  .strictObject({ ...Choice.shape, quantity: Quantity.default(1) })
  .meta({ id: 'OrderRequest' });

export const SaleQuery = z.object({ sale: Id.describe('The id of the sale') });

/** As an order's location carries them. */
export const OrderQuery = z.object({
  sale: Id.optional().describe('The id of its sale'),
  epoch: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .optional()
    .describe('Of the gate that admitted it'),
});

export const OrderBody = z
  .strictObject({
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
    position: z.int().optional().describe('In the queue, until it is reserved or while it is being paid; 1 is next'),
    estimatedWaitMs: z.int().nullable().optional().describe('Milliseconds; null while the queue does not move'),
  })
  .meta({ id: 'Order' });

const reserved = { orderId: Id, status: z.literal('reserved') };
export const QueuedBody = z.strictObject({ orderId: Id, status: z.literal('queued') }).meta({ id: 'Queued' });
export const ReservedBody = z
  .strictObject({ ...reserved, deadline: instant.describe('To be paid until then'), amount })
  .meta({ id: 'Reserved' });
export const PayingBody = z.strictObject(reserved).meta({ id: 'Paying' });
export const ConfirmedBody = z
  .strictObject({ orderId: Id, status: z.literal('confirmed'), amount })
  .meta({ id: 'Confirmed' });

export function toSale(id: string, request: z.infer<typeof SaleRequest>): GateSale {
  const { opensAt, closesAt, ...rest } = request;
  const window = { opensAtMs: Date.parse(opensAt), closesAtMs: Date.parse(closesAt) };
  return { ...rest, ...window, id, holdSeconds: request.holdSeconds ?? 0, closed: false, epoch: 0, revision: 1 };
}

export function toChange({ opensAt, closesAt, ...rest }: z.infer<typeof SaleChangeRequest>): SaleChange {
  return {
    ...rest,
    opensAtMs: opensAt === undefined ? undefined : Date.parse(opensAt),
    closesAtMs: closesAt === undefined ? undefined : Date.parse(closesAt),
  };
}

export function fromSale(sale: GateSale, remaining: number | null): z.infer<typeof SaleBody> {
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
