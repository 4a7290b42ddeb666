// The requests, field by field.
import { BuyerId, batch, Epoch, Id, Quantity } from '@flashsale/contracts/fields';
import { NewSale, problemsOf, Sale, SaleChange } from '@flashsale/contracts/sale';
import { z } from 'zod';

const item = z.object({ orderId: Id, saleId: Id, buyerId: BuyerId, quantity: Quantity });

const sale = NewSale.superRefine(
  (sale, context) => {
    for (const { field, message } of problemsOf(sale)) context.addIssue({ code: 'custom', path: [field], message });
  },
  // Beside the fields' own problems, not only without them.
  { when: ({ value }) => value !== undefined },
);

export const CreateSale = z.object({ sale });
export const GetSale = z.object({ saleId: Id });
export const UpdateSale = SaleChange.pick({ closed: true, opensAtMs: true, closesAtMs: true }).extend({
  saleId: Id,
  addStock: z.int32().min(0),
  expectedRevision: z.int32().optional(),
});
const { epoch } = Sale.shape;
export const Reopen = z.object({ saleId: Id, expectedEpoch: epoch, gateEpoch: epoch });
export const Reserve = z.object({ items: batch(item.extend({ epoch: Epoch })) });
export const Confirm = z.object({ orderIds: batch(Id) });
export const Release = z.object({ items: batch(item) });
