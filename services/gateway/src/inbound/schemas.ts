// What clients may send: one schema gives the type, the check and the message.
import { promisify } from 'node:util';
import { Id, Mode, Money, Quantity, text } from '@flashsale/contracts/fields';
import { Choice } from '@flashsale/contracts/messages';
import { issuesOf } from '@flashsale/runtime/validation';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import type { SaleChange } from '../domain/change-sale.ts';
import { problemsOf, type Sale } from '../domain/sale.ts';
import { Problem } from './problems.ts';

const parseJson = promisify(express.json({ limit: '4kb', type: 'application/json' }));

/** Reads a body: small JSON objects, and nothing else. Undefined where there is none. */
export async function readJson(request: Request, response: Response): Promise<unknown> {
  await parseJson(request, response);
  return request.body;
}

export const OrderRequest = z.strictObject({ ...Choice.shape, quantity: Quantity.default(1) });

export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
  .optional();

// What inventory would refuse is refused here, where it can still be said which field it is.
const LAST_MS = Date.UTC(9999, 11, 31);
const instant = z.iso
  .datetime({ offset: true })
  .refine((at) => Date.parse(at) >= 0 && Date.parse(at) <= LAST_MS, 'must be between 1970 and 9999');
const stock = z.int32().min(1).max(10_000_000);

export const SaleRequest = z
  .strictObject({
    sku: text(64),
    title: text(200),
    price: z.strictObject({ ...Money.shape, amountMinor: Money.shape.amountMinor.max(1_000_000_000) }),
    stock,
    opensAt: instant,
    closesAt: instant,
    perBuyerLimit: z.int32().min(1).max(1_000).default(1),
    mode: Mode,
    checkout: z.enum(['instant', 'hold']).default('instant'),
    holdSeconds: z.int32().min(1).max(86_400).optional().describe('With `checkout: hold`: the time to pay'),
    decideWithinSeconds: z.int32().min(1).max(86_400).default(600),
  })
  .superRefine(({ opensAt, closesAt, ...sale }, context) => {
    const isHold = sale.checkout === 'hold';
    if (isHold !== (sale.holdSeconds !== undefined)) {
      const message = isHold ? 'is needed with checkout hold' : 'only goes with checkout hold';
      context.addIssue({ code: 'custom', path: ['holdSeconds'], message });
    }
    const window = { opensAtMs: Date.parse(opensAt), closesAtMs: Date.parse(closesAt) };
    for (const { field, message } of problemsOf({ ...sale, ...window }))
      context.addIssue({ code: 'custom', path: [field], message });
  });

export const SaleChangeRequest = z
  .strictObject({
    stock: stock.optional().describe('All units of the sale, those sold included; only grows'),
    closed: z.boolean().optional(),
    opensAt: instant.optional(),
    closesAt: instant.optional(),
    revision: z.int32().min(1).optional().describe('Of the sale that the change was made for'),
  })
  .refine(({ revision: _, ...changes }) => Object.keys(changes).length > 0, 'must change something');

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

/** Throws the problem that names every field that is wrong. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, whole?: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', { errors: issuesOf(parsed.error, whole) });
}

export function toSale(id: string, request: z.infer<typeof SaleRequest>): Sale {
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
