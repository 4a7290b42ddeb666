// What a request must look like, field by field.
import { batch, Id, Money } from '@flashsale/contracts/fields';
import { z } from 'zod';

export const Charge = z.object({ items: batch(Money.extend({ orderId: Id })) });
export const Void = z.object({ orderIds: batch(Id) });
export const GetCharge = z.object({ orderId: Id });
