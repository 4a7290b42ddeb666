// What clients may send, and what they are sent.
import { z } from 'zod';
import type { OrderView } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { Problem } from './problems.ts';

export const OrderRequest = z.strictObject({ quantity: z.int32().min(1).default(1) });

// What inventory would refuse is refused here, where it can still be said which field it is.
const LAST_MS = Date.UTC(9999, 11, 31);
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be text without control characters');
const instant = z.iso
  .datetime({ offset: true })
  .refine((at) => Date.parse(at) >= 0 && Date.parse(at) <= LAST_MS, 'must be between 1970 and 9999');

export const SaleRequest = z
  .strictObject({
    sku: text(64),
    title: text(200),
    price: z.strictObject({
      /** Minor currency units. */
      amountMinor: z.int().min(1).max(1_000_000_000),
      /** ISO 4217. */
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
    }),
    stock: z.int32().min(1).max(10_000_000),
    opensAt: instant,
    closesAt: instant,
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
