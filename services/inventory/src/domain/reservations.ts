// Reserve, Confirm, Release: each sale in a transaction of its own, which the calls that arrive meanwhile share.
import type { Money, ReservationState } from '@flashsale/contracts/fields';
import type { Sale } from '@flashsale/contracts/sale';
import { amountOf, confirm, type Item, type Order, type Reservation, type Rule, release, reserve } from './allocate.ts';
import type { Decided, Ledger } from './ports.ts';

/** Transactions of one call at once: each holds one sale's lock, so that none waits in a circle. */
const SALES_AT_ONCE = 4;
/** Of one transaction. */
const MOST_ITEMS = 500;

export interface Outcome {
  orderId: string;
  state: ReservationState;
  reason: Reservation['reason'];
  amount: Money | undefined;
  /** Undefined where the sale is unknown, or is not that of the request. */
  terms: Terms | undefined;
}

type Terms = Pick<Sale, 'checkout' | 'holdSeconds' | 'decideWithinSeconds'>;

interface Counter {
  inc(labels: { outcome: string }): void;
}

export function createReservations(ledger: Ledger, reserved: Counter) {
  const decideBy = <Each extends { orderId: string }>(ruleOf: (items: Each[]) => Rule) =>
    coalesce((saleId, items: Each[]) => ledger.decide(saleId, idsOf(items), ruleOf(items)));
  const toReserve = decideBy((orders: Order[]) => (sale, remembered) => reserve(sale, remembered, orders));
  const toConfirm = decideBy(() => confirm);
  const toRelease = decideBy((items: Item[]) => (sale, remembered) => release(sale, remembered, items));

  return {
    async reserve(orders: Order[]): Promise<Outcome[]> {
      const outcomes = await saleBySale(orders, ({ saleId }) => saleId, toReserve);
      for (const { state, reason } of outcomes) reserved.inc({ outcome: reason ?? state });
      return outcomes;
    },

    async confirm(orderIds: string[]): Promise<Outcome[]> {
      const sales = await ledger.salesOf(orderIds);
      const items = orderIds.map((orderId) => ({ orderId }));
      return saleBySale(items, ({ orderId }) => sales.get(orderId), toConfirm);
    },

    async release(items: Item[]): Promise<Outcome[]> {
      const sales = await ledger.salesOf(idsOf(items));
      return saleBySale(items, ({ orderId, saleId }) => sales.get(orderId) ?? saleId, toRelease);
    },
  };
}

const idsOf = (items: { orderId: string }[]) => items.map(({ orderId }) => orderId);

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

interface Waiting<Item, Result> {
  items: Item[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Calls that meet at the same sale are coalesced: while one transaction is under way, later calls gather for the next.
 * Waiting for the row's lock one by one they would wait longer, and hold a connection each. `work` does the items of
 * one key at once; each caller gets the result of the group that it went with.
 */
function coalesce<Item, Result>(work: (key: string, items: Item[]) => Promise<Result>) {
  const queues = new Map<string, Waiting<Item, Result>[]>();

  async function commit(key: string, group: Waiting<Item, Result>[]): Promise<void> {
    try {
      const result = await work(
        key,
        group.flatMap(({ items }) => items),
      );
      for (const { resolve } of group) resolve(result);
    } catch (error) {
      // An error of one caller is not that of the others: each tries alone before it fails.
      if (group.length > 1) for (const one of group) await commit(key, [one]);
      else for (const { reject } of group) reject(error);
    }
  }

  async function workOff(key: string, queue: Waiting<Item, Result>[]): Promise<void> {
    while (queue.length > 0) await commit(key, takeGroup(queue));
    queues.delete(key);
  }

  return (key: string, items: Item[]): Promise<Result> =>
    new Promise((resolve, reject) => {
      const caller = { items, resolve, reject };
      const queue = queues.get(key);
      if (queue) return void queue.push(caller);
      const first = [caller];
      queues.set(key, first);
      void workOff(key, first);
    });
}

function takeGroup<Item, Result>(queue: Waiting<Item, Result>[]): Waiting<Item, Result>[] {
  let size = 0;
  const end = queue.findIndex(({ items }, index) => {
    size += items.length;
    return index > 0 && size > MOST_ITEMS;
  });
  return queue.splice(0, end === -1 ? queue.length : end);
}
