// Reserve, Confirm, Release: each sale in a transaction of its own, which the calls that arrive meanwhile share.

import type { Money } from '@flashsale/contracts/fields';
import type { Sale } from '@flashsale/contracts/sale';
import type { ReservationState } from '@flashsale/contracts/wire';
import {
  amountOf,
  confirm,
  type Item,
  type Order,
  type Remembered,
  type Reservation,
  release,
  reserve,
} from './allocate.ts';
import { coalesce } from './coalesce.ts';
import type { Ledger } from './ports.ts';

/** Transactions of one call at once: each holds one sale's lock, so that none waits in a circle. */
const SALES_AT_ONCE = 4;

export interface Outcome {
  orderId: string;
  state: ReservationState;
  reason: Reservation['reason'];
  amount: Money | undefined;
  /** Undefined where the sale is unknown, or was not asked for. */
  terms: Terms | undefined;
}

export type Terms = Pick<Sale, 'checkout' | 'holdSeconds' | 'decideWithinSeconds'>;

export type Reservations = ReturnType<typeof createReservations>;

export function createReservations(ledger: Ledger) {
  const underRule = <Each extends { orderId: string }>(rule: BatchRule<Each>) =>
    coalesce((saleId, items: Each[]) => {
      const orderIds = items.map(({ orderId }) => orderId);
      return ledger.decide(saleId, orderIds, (sale, remembered) => rule(sale, remembered, items));
    });
  const oneByOne = { reserve: underRule(reserve), confirm: underRule(confirm), release: underRule(release) };
  const heldAtOnce = coalesce((saleId, orders: Order[]) => holdAtOnce(ledger, saleId, orders));
  const soldAtOnce = coalesce((_saleId, orderIds: string[]) => ledger.sellHeld(orderIds));

  async function reserveOfSale(saleId: string, orders: Order[]): Promise<Decided> {
    return (await heldAtOnce(saleId, orders)) ?? oneByOne.reserve(saleId, orders);
  }

  async function confirmOfSale(saleId: string, items: { orderId: string }[]): Promise<Decided> {
    const orderIds = items.map(({ orderId }) => orderId);
    const sold = await soldAtOnce(saleId, orderIds);
    return orderIds.every((orderId) => sold.has(orderId))
      ? { sale: undefined, remembered: sold }
      : oneByOne.confirm(saleId, items);
  }

  return {
    reserve: (orders: Order[]): Promise<Outcome[]> => saleBySale(orders, ({ saleId }) => saleId, reserveOfSale),

    async confirm(orderIds: string[]): Promise<Outcome[]> {
      const sales = await ledger.salesOf(orderIds);
      const items = orderIds.map((orderId) => ({ orderId }));
      return saleBySale(items, ({ orderId }) => sales.get(orderId), confirmOfSale);
    },

    async release(items: Item[]): Promise<Outcome[]> {
      const sales = await ledger.salesOf(items.map(({ orderId }) => orderId));
      return saleBySale(items, ({ orderId, saleId }) => sales.get(orderId) ?? saleId, oneByOne.release);
    },
  };
}

/** The common case, all orders new and units for all of them; undefined otherwise, and then nothing was done. */
async function holdAtOnce(ledger: Ledger, saleId: string, orders: Order[]): Promise<Decided | undefined> {
  const [first] = orders;
  const distinct = new Set(orders.map(({ orderId }) => orderId)).size === orders.length;
  if (!first || !distinct || orders.some(({ epoch }) => epoch !== first.epoch)) return undefined;
  const sale = await ledger.holdAll(saleId, first.epoch, orders);
  const held = ({ epoch: _epoch, ...item }: Order): Reservation => ({ ...item, state: 'held', reason: null });
  return sale && { sale, remembered: new Map(orders.map((order) => [order.orderId, held(order)])) };
}

type BatchRule<Each> = (sale: Sale | undefined, remembered: Remembered, items: Each[]) => Reservation[];
type Decided = Awaited<ReturnType<Ledger['decide']>>;

/** One outcome for each item, in the order asked; an item of no sale is `absent`. */
async function saleBySale<Each extends { orderId: string }>(
  items: Each[],
  saleOf: (item: Each) => string | undefined,
  decide: (saleId: string, ofSale: Each[]) => Promise<Decided>,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  const groups = Map.groupBy(items, (item) => saleOf(item) ?? '');
  groups.delete('');
  const left = groups.entries();
  const work = async () => {
    for (const [saleId, ofSale] of left) {
      const { sale, remembered } = await decide(saleId, ofSale);
      for (const { orderId } of ofSale) {
        const known = remembered.get(orderId);
        if (known) outcomes.set(orderId, { ...known, amount: amountOf(sale, known), terms: termsOf(sale, known) });
      }
    }
  };
  await Promise.all(Array.from({ length: SALES_AT_ONCE }, work));
  return items.map(({ orderId }) => outcomes.get(orderId) ?? absent(orderId));
}

const termsOf = (sale: Sale | undefined, { saleId }: Item) => (sale?.id === saleId ? sale : undefined);

const absent = (orderId: string): Outcome => ({
  orderId,
  state: 'absent',
  reason: null,
  amount: undefined,
  terms: undefined,
});
