// What a request must look like, field by field.
import { RpcError, status } from '@flashsale/rpc/server';
import { z } from 'zod';
import { type Problem, problemsOf } from '../domain/sale.ts';

const MOST_ITEMS = 1_000;
const LAST_MS = Date.UTC(9999, 11, 31);
const MOST_SECONDS = 86_400;

// Postgres answers ids in small letters: in any other spelling an order would not be found among what is remembered.
const id = z.uuid().toLowerCase();
// Postgres cannot store NUL.
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u, 'must have no control characters');
const positive = z.int32().min(1);
const instant = z.int().min(0).max(LAST_MS);
const batch = <Each extends z.ZodType>(each: Each) => z.array(each).max(MOST_ITEMS);

const item = z.object({ orderId: id, saleId: id, buyerId: text(255), quantity: positive });

const sale = z
  .object({
    saleId: id,
    sku: text(64),
    title: text(200),
    price: z.object({
      amountMinor: z.int().min(1),
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
    }),
    initial: positive,
    opensAtMs: instant,
    closesAtMs: instant,
    perBuyerLimit: positive,
    mode: z.enum(['queued', 'direct']),
    checkout: z.literal('instant', 'must be instant; hold cannot be sold yet'),
    holdSeconds: z.int32().min(0).max(MOST_SECONDS),
    decideWithinSeconds: z.int32().min(1).max(MOST_SECONDS),
  })
  .superRefine(
    (sale, context) => {
      for (const { field, message } of problemsOf(sale)) context.addIssue({ code: 'custom', path: [field], message });
    },
    // Beside the fields' own problems, not only without them.
    { when: ({ value }) => value !== undefined },
  );

export const CreateSale = z.object({ sale });
export const GetSale = z.object({ saleId: id });
export const UpdateSale = z.object({
  saleId: id,
  addStock: z.int32().min(0),
  closed: z.boolean().optional(),
  opensAtMs: instant.optional(),
  closesAtMs: instant.optional(),
  expectedRevision: z.int32().optional(),
});
export const Reopen = z.object({ saleId: id, expectedEpoch: z.int32().min(0) });
// Epoch 0 is a sale without a gate, and nobody can have been let in.
export const Reserve = z.object({ items: batch(item.extend({ epoch: positive })) });
export const Confirm = z.object({ orderIds: batch(id) });
export const Release = z.object({ items: batch(item) });

export function read<Schema extends z.ZodType>(schema: Schema, request: unknown): z.infer<Schema> {
  const given = schema.safeParse(request);
  if (given.success) return given.data;
  throw invalid(given.error.issues.map(({ path, message }) => ({ field: fieldName(path), message })));
}

// An error travels in an HTTP/2 header, which is bounded.
const MOST_NAMED = 50;

export function invalid(problems: Problem[]): RpcError {
  const named = problems.slice(0, MOST_NAMED).map(({ field, message }) => `${asInProto(field)}: ${message}`);
  const more = problems.length > MOST_NAMED ? [`and ${problems.length - MOST_NAMED} more`] : [];
  return new RpcError(status.INVALID_ARGUMENT, [...named, ...more].join('; '));
}

const fieldName = (path: PropertyKey[]) =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .slice(1);

/** The schemas speak ts-proto's camelCase, callers the .proto's snake_case. */
const asInProto = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
