// The requests, field by field.
import { batch, Id, Money } from '@flashsale/contracts/fields';
import { z } from 'zod';

export const Charge = z.object({ items: batch(z.object({ orderId: Id, amount: Money })) });
export const Void = z.object({ orderIds: batch(Id) });
export const GetCharge = z.object({ orderId: Id });
