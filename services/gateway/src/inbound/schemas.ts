// What clients may send, and what they are sent.
import { z } from 'zod';
import type { OrderView } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { Problem } from './problems.ts';

export const OrderRequest = z.strictObject({ quantity: z.int32().min(1).default(1) });

export const SaleRequest = z
  .strictObject({
    sku: z.string().min(1).max(64),
    title: z.string().min(1).max(200),
    price: z.strictObject({
      /** Minor currency units. */
      amountMinor: z.int().min(1).max(1_000_000_000),
      /** ISO 4217. */
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
    }),
    stock: z.int32().min(1).max(10_000_000),
    opensAt: z.iso.datetime({ offset: true }),
    closesAt: z.iso.datetime({ offset: true }),
    perBuyerLimit: z.int32().min(1).max(1_000).default(1),
    mode: z.enum(['queued', 'direct']),
    checkout: z.literal('instant').default('instant'),
    decideWithinSeconds: z.int32().min(1).max(86_400).default(600),
  })
  .refine((sale) => Date.parse(sale.closesAt) > Date.parse(sale.opensAt), {
    path: ['closesAt'],
    message: 'must be after opensAt',
  });

/** Throws the problem that names every field that is wrong. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'body', message }));
  throw new Problem('bad-request', { errors });
}

export { validate as isUuid } from 'uuid';

export function toSale(id: string, request: z.infer<typeof SaleRequest>): Sale {
  const { opensAt, closesAt, ...rest } = request;
  const window = { opensAtMs: Date.parse(opensAt), closesAtMs: Date.parse(closesAt) };
  return { ...rest, ...window, id, holdSeconds: 0, closed: false, epoch: 0, revision: 1 };
}

/** `remaining`: units that the gate can still give; null while it has no gate. */
export function fromSale(
  { opensAtMs, closesAtMs, epoch: _epoch, revision: _revision, ...sale }: Sale,
  remaining: number | null,
) {
  return {
    ...sale,
    opensAt: new Date(opensAtMs).toISOString(),
    closesAt: new Date(closesAtMs).toISOString(),
    remaining,
  };
}

export function fromOrder(view: OrderView, mintedAtMs: number) {
  const { orderId, saleId, quantity, status, reason, amountMinor, currency, decidedAtMs } = view;
  return {
    orderId,
    ...(saleId && { saleId, quantity }),
    status,
    ...(reason && { reason }),
    ...(amountMinor && { amount: { amountMinor, currency } }),
    createdAt: new Date(mintedAtMs).toISOString(),
    ...(decidedAtMs && { decidedAt: new Date(decidedAtMs).toISOString() }),
  };
}
