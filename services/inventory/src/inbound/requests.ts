// What a request must look like, field by field.
import { z } from 'zod';
import { problemsOf } from '../domain/sale.ts';

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
