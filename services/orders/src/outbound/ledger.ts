// The orders database: calls for the statements of `decisions.ts`, and what is only read.
import { type Pool, type Statement, statement } from '@flashsale/runtime/postgres';
import type { Order, Placement } from '../domain/order.ts';
import type { Ledger } from '../domain/ports.ts';
import { ORDER_ROW } from './columns.ts';
import {
  type Batch,
  CANCEL_CONFIRMED,
  CANCEL_RESERVED,
  COMPENSATED,
  CONFIRM,
  changeSome,
  DECLINE,
  GIVE_UP,
  INSERT_DUPLICATE,
  PLACE,
  REFUNDED,
  REFUSE,
  REQUEST_PAYMENT,
  RESERVE,
  TIME_OUT,
} from './decisions.ts';

const take = (name: string, condition: string) =>
  statement(
    name,
    `WITH taken AS (${changeSome('UPDATE orders SET touched_at = now()', condition, 'touched_at')})
  SELECT ${ORDER_ROW} FROM taken`,
  );

const TAKE_COMPENSATION_PENDING = take(
  'orders.take_compensation_pending',
  `compensation_pending AND touched_at < now() - $1::float8 * interval '1 millisecond'`,
);
// Due again after as long as it has waited already, so the interval doubles.
const TAKE_REFUNDS_OWED = take(
  'orders.take_refunds_owed',
  `refund = 'owed' AND touched_at +
  least(greatest(touched_at - decided_at, interval '1 second'), interval '5 minutes') <= now()`,
);

const READ = statement('orders.read', `SELECT ${ORDER_ROW} FROM orders WHERE id = ANY($1::uuid[])`);

/** `onOutbox` is called with the orders of a statement that may have left a message, `onDecided` with orders that it ended. */
export function createLedger(
  pool: Pool,
  { onOutbox, onDecided }: { onOutbox(orders: Order[]): void; onDecided(orders: Order[]): void },
): Ledger {
  const rows = async (sql: Statement, values: unknown[]) => (await pool.query<Order>(sql, values)).rows;

  async function follow(sql: Statement, values: unknown[]): Promise<Order[]> {
    const changed = await rows(sql, values);
    if (changed.some(({ status }) => status !== 'placed')) onOutbox(changed);
    return changed;
  }

  async function decided(sql: Statement, values: unknown[]): Promise<Order[]> {
    const changed = await follow(sql, values);
    onDecided(changed.filter(({ decidedAtMs }) => decidedAtMs !== null));
    return changed;
  }

  const ofEach =
    <Item>(run: typeof decided, { statement, values }: Batch<Item>) =>
    async (items: Item[]) =>
      items.length > 0 ? run(statement, values(items)) : [];

  const read = async (orderIds: string[]) => (orderIds.length > 0 ? rows(READ, [orderIds]) : []);
  const [place, insertDuplicates] = [ofEach(decided, PLACE), ofEach(decided, INSERT_DUPLICATE)];
  const [reserve, confirm, decline] = [ofEach(decided, RESERVE), ofEach(decided, CONFIRM), ofEach(decided, DECLINE)];

  return {
    async place(placements) {
      const distinct = [...new Map(placements.map((placement) => [placement.orderId, placement])).values()];
      const inserted = await place(distinct);
      const rest = without(distinct, inserted);
      const found = await read(rest.map(({ orderId }) => orderId));
      // Neither inserted nor there: the index of live orders refused a buyer's second one.
      const duplicates = await insertDuplicates(without(rest, found));
      const overtaken = without(rest, [...found, ...duplicates]);
      return [...inserted, ...found, ...duplicates, ...(await read(overtaken.map(({ orderId }) => orderId)))];
    },

    reserve: (reservations) => reserve(reservations.map((each) => ({ ...each, ...each.amount }))),
    refuse: ofEach(decided, REFUSE),
    requestPayment: async (orderId, buyerId) => (await decided(REQUEST_PAYMENT, [orderId, buyerId]))[0],
    confirm: (orderIds) => confirm(orderIds.map((orderId) => ({ orderId }))),
    decline: (orderIds) => decline(orderIds.map((orderId) => ({ orderId }))),
    cancelReserved: async (orderId, buyerId) => (await decided(CANCEL_RESERVED, [orderId, buyerId]))[0],
    cancelConfirmed: async (orderId) => (await decided(CANCEL_CONFIRMED, [orderId]))[0],
    giveUp: async (placement) => (await ofEach(decided, GIVE_UP)([placement]))[0],
    timeOut: () => decided(TIME_OUT, []),

    takeCompensationPending: (untouchedForMs) => rows(TAKE_COMPENSATION_PENDING, [untouchedForMs]),
    compensated: ofEach(follow, COMPENSATED),
    takeRefundsOwed: async () => (await rows(TAKE_REFUNDS_OWED, [])).map(({ orderId }) => orderId),
    refunded: ofEach(follow, REFUNDED),
    read,
  };
}

const without = (placements: Placement[], orders: Order[]) => {
  const known = new Set(orders.map((order) => order.orderId));
  return placements.filter(({ orderId }) => !known.has(orderId));
};
