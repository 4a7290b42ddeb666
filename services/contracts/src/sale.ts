// A sale: what its fields may hold, and what must fit together.
import { z } from 'zod';
import { Id, Mode, Money, Quantity, text } from './fields.ts';

/** `hold`: reserved until it is paid, for `holdSeconds` at most. */
export const Checkout = z.enum(['instant', 'hold']);
export type Checkout = z.infer<typeof Checkout>;

/** Unix milliseconds. */
export const Instant = z
  .int()
  .min(0)
  .max(Date.UTC(9999, 11, 31));
const MOST_SECONDS = 86_400;

export const NewSale = z.object({
  id: Id,
  sku: text(64),
  title: text(200),
  /** For one unit. */
  price: Money,
  /** All units of the sale. */
  stock: Quantity,
  opensAtMs: Instant,
  closesAtMs: Instant,
  perBuyerLimit: Quantity,
  mode: Mode,
  checkout: Checkout,
  /** 0 with `instant`. */
  holdSeconds: z.int32().min(0).max(MOST_SECONDS),
  decideWithinSeconds: z.int32().min(1).max(MOST_SECONDS),
});
export type NewSale = z.infer<typeof NewSale>;

const count = z.int32().min(0);

export const Sale = NewSale.extend({
  /** `stock = available + held + sold` at every instant. */
  available: count,
  held: count,
  sold: count,
  closed: z.boolean(),
  /** Number of the gate that may take units; 0 until the first is opened. */
  epoch: count,
  /** Grows with each change. */
  revision: z.int32().min(1),
});
export type Sale = z.infer<typeof Sale>;

/** Stock only grows. `revision`: of the sale that the change is made for; without one, of the sale as it is then. */
export const SaleChange = Sale.pick({
  stock: true,
  closed: true,
  opensAtMs: true,
  closesAtMs: true,
  revision: true,
}).partial();
export type SaleChange = z.infer<typeof SaleChange>;

export interface SaleProblem {
  field: keyof NewSale;
  message: string;
}

type CrossField = 'stock' | 'opensAtMs' | 'closesAtMs' | 'checkout' | 'holdSeconds';

/** Cross-field rules. Checked beside the fields' own, so the price may be missing. */
export function problemsOf(sale: Pick<NewSale, CrossField> & { price: Money | undefined }): SaleProblem[] {
  const worth = (sale.price?.amountMinor ?? 0) * sale.stock;
  const rules: [boolean, SaleProblem][] = [
    [Number.isSafeInteger(worth), { field: 'stock', message: 'price times stock must stay below 2^53' }],
    [sale.closesAtMs > sale.opensAtMs, { field: 'closesAtMs', message: 'must be later than the opening' }],
    [
      sale.checkout !== 'hold' || sale.holdSeconds >= 1,
      { field: 'holdSeconds', message: 'must be at least 1 with checkout hold' },
    ],
  ];
  return rules.flatMap(([holds, problem]) => (holds ? [] : [problem]));
}
