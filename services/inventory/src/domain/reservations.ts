// Reserve, Confirm, Release: each sale in a transaction of its own, which the calls that arrive meanwhile share.
import type { Money } from '@flashsale/contracts/fields';
import type { Sale } from '@flashsale/contracts/sale';
import type { ReservationState } from '@flashsale/contracts/wire';
import { amountOf, confirm, type Item, type Order, type Reservation, type Rule, release, reserve } from './allocate.ts';
import { coalesce } from './coalesce.ts';
import type { Decided, Ledger } from './ports.ts';

/** Transactions of one call at once: each holds one sale's lock, so that none waits in a circle. */
const SALES_AT_ONCE = 4;

export interface Outcome {
  orderId: string;
  state: ReservationState;
  reason: Reservation['reason'];
  amount: Money | undefined;
  /** Undefined where the sale is unknown, or is not that of the request. */
  terms: Terms | undefined;
}

type Terms = Pick<Sale, 'checkout' | 'holdSeconds' | 'decideWithinSeconds'>;

export function createReservations(ledger: Ledger) {
  const decideBy = <Each extends { orderId: string }>(ruleOf: (items: Each[]) => Rule) =>
    coalesce((saleId, items: Each[]) => {
      const orderIds = items.map(({ orderId }) => orderId);
      return ledger.decide(saleId, orderIds, ruleOf(items));
    });
  const toReserve = decideBy((orders: Order[]) => (sale, remembered) => reserve(sale, remembered, orders));
  const toConfirm = decideBy(() => confirm);
  const toRelease = decideBy((items: Item[]) => (sale, remembered) => release(sale, remembered, items));

  return {
    reserve: (orders: Order[]): Promise<Outcome[]> => saleBySale(orders, ({ saleId }) => saleId, toReserve),

    async confirm(orderIds: string[]): Promise<Outcome[]> {
      const sales = await ledger.salesOf(orderIds);
      const items = orderIds.map((orderId) => ({ orderId }));
      return saleBySale(items, ({ orderId }) => sales.get(orderId), toConfirm);
    },

    async release(items: Item[]): Promise<Outcome[]> {
      const sales = await ledger.salesOf(items.map(({ orderId }) => orderId));
      return saleBySale(items, ({ orderId, saleId }) => sales.get(orderId) ?? saleId, toRelease);
    },
  };
}

/** One outcome for each item, in the order of the request; an item of no sale is `absent`. */
async function saleBySale<Each extends { orderId: string }>(
  items: Each[],
  saleOf: (item: Each) => string | undefined,
  decide: (saleId: string, ofSale: Each[]) => Promise<Decided>,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  const groups = Map.groupBy(items, (item) => saleOf(item) ?? '');
  groups.delete('');
  const remaining = groups.entries();
  const work = async () => {
    for (const [saleId, ofSale] of remaining) {
      const { sale, remembered } = await decide(saleId, ofSale);
      for (const { orderId } of ofSale) {
        const known = remembered.get(orderId);
        if (known) outcomes.set(orderId, { ...known, amount: amountOf(sale, known), terms: termsOf(sale, known) });
      }
    }
  };
  await Promise.all(Array.from({ length: SALES_AT_ONCE }, work));
  return items.map(({ orderId }) => outcomes.get(orderId) ?? { ...ABSENT, orderId });
}

const termsOf = (sale: Sale | undefined, { saleId }: Item) => (sale?.id === saleId ? sale : undefined);

const ABSENT = { state: 'absent', reason: null, amount: undefined, terms: undefined } as const;
