// The requests, field by field.
import { BuyerId, batch, Epoch, Id, Money, Quantity, text } from '@flashsale/contracts/fields';
import { z } from 'zod';
import { problemsOf } from '../domain/sale.ts';

const LAST_MS = Date.UTC(9999, 11, 31);
const MOST_SECONDS = 86_400;
const instant = z.int().min(0).max(LAST_MS);

const item = z.object({ orderId: Id, saleId: Id, buyerId: BuyerId, quantity: Quantity });

const sale = z
  .object({
    saleId: Id,
    sku: text(64),
    title: text(200),
    price: Money,
    stock: Quantity,
    opensAtMs: instant,
    closesAtMs: instant,
    perBuyerLimit: Quantity,
    mode: z.enum(['queued', 'direct']),
    checkout: z.enum(['instant', 'hold']),
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
export const GetSale = z.object({ saleId: Id });
export const UpdateSale = z.object({
  saleId: Id,
  addStock: z.int32().min(0),
  closed: z.boolean().optional(),
  opensAtMs: instant.optional(),
  closesAtMs: instant.optional(),
  expectedRevision: z.int32().optional(),
});
const epoch = z.int32().min(0);
export const Reopen = z.object({ saleId: Id, expectedEpoch: epoch, gateEpoch: epoch });
export const Reserve = z.object({ items: batch(item.extend({ epoch: Epoch })) });
export const Confirm = z.object({ orderIds: batch(Id) });
export const Release = z.object({ items: batch(item) });
