// Reserve, Confirm, Release: sale by sale in the order of their ids, each sale in one transaction.
import {
  allocate,
  amountOf,
  type Item,
  letGo,
  type Order,
  type Remembered,
  type Reservation,
  sell,
} from './allocate.ts';
import type { Ledger } from './ledger.ts';
import type { Price, Sale } from './sale.ts';

export interface Outcome {
  orderId: string;
  state: Reservation['state'] | 'absent';
  reason: Reservation['reason'];
  amount: Price | undefined;
}

export const reserve = (ledger: Ledger, orders: Order[]): Promise<Outcome[]> =>
  saleBySale(ledger, orders, ({ saleId }) => saleId, allocate);

export async function confirm(ledger: Ledger, orderIds: string[]): Promise<Outcome[]> {
  const sales = await ledger.salesOf(orderIds);
  const items = orderIds.map((orderId) => ({ orderId }));
  return saleBySale(ledger, items, ({ orderId }) => sales.get(orderId), sell);
}

export async function release(ledger: Ledger, items: Item[]): Promise<Outcome[]> {
  const sales = await ledger.salesOf(items.map(({ orderId }) => orderId));
  return saleBySale(ledger, items, ({ orderId, saleId }) => sales.get(orderId) ?? saleId, letGo);
}

/** One outcome for each item, in the order asked; an item of no sale is `absent`. */
async function saleBySale<Each extends { orderId: string }>(
  ledger: Ledger,
  items: Each[],
  saleOf: (item: Each) => string | undefined,
  rule: (sale: Sale | undefined, remembered: Remembered, ofSale: Each[]) => Reservation[],
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  const groups = Map.groupBy(items, (item) => saleOf(item) ?? '');
  groups.delete('');
  for (const [saleId, ofSale] of [...groups].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const orderIds = ofSale.map(({ orderId }) => orderId);
    const decided = await ledger.decide(saleId, orderIds, (sale, remembered) => rule(sale, remembered, ofSale));
    for (const known of decided.remembered.values())
      outcomes.set(known.orderId, { ...known, amount: amountOf(decided.sale, known) });
  }
  return items.map(({ orderId }) => outcomes.get(orderId) ?? absent(orderId));
}

const absent = (orderId: string): Outcome => ({ orderId, state: 'absent', reason: null, amount: undefined });
