// A sale and an order as the contracts have them, open now and valid; a test gives the fields that it is about.
import { randomUUID } from 'node:crypto';
import { mintId } from '@flashsale/contracts/fields';
import type { Sale } from '@flashsale/contracts/inventory';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';

export const aSale = (fields: Partial<Sale> = {}): Sale => ({
  id: mintId(),
  sku: 'sku-1',
  title: 'A test sale / 测试',
  price: { amountMinor: 1_000, currency: 'EUR' },
  stock: 10,
  available: 0,
  held: 0,
  sold: 0,
  opensAtMs: Date.now() - 60_000,
  closesAtMs: Date.now() + 3_600_000,
  perBuyerLimit: 10,
  mode: 'queued',
  checkout: 'instant',
  holdSeconds: 0,
  decideWithinSeconds: 600,
  closed: false,
  epoch: 0,
  revision: 0,
  ...fields,
});

/** As the gate of that sale would have admitted it. */
export const anOrder = (
  { id, epoch }: Pick<Sale, 'id' | 'epoch'>,
  fields: Partial<OrderCommand> = {},
): OrderCommand => ({
  orderId: mintId(),
  saleId: id,
  buyerId: `buyer-${randomUUID()}`,
  ...choiceOf({ quantity: 1 }),
  epoch,
  mode: 'queued',
  deadlineMs: Date.now() + 600_000,
  ...fields,
});

/** A hold, to be paid within ten minutes. */
export const HOLD = { checkout: 'hold', holdSeconds: 600 };

export const times = <T>(howMany: number, make: (index: number) => T): T[] =>
  Array.from({ length: howMany }, (_, index) => make(index));
