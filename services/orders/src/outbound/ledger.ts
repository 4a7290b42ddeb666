// The orders database: calls for the statements of `decisions.ts`, and what is only read.
import { mintedAt } from '@flashsale/contracts/fields';
import { groupCommit } from '@flashsale/runtime/group-commit';
import { type Pool, type Statement, statement } from '@flashsale/runtime/postgres';
import type { Order, Placement } from '../domain/order.ts';
import type { Ledger } from '../domain/ports.ts';
import type { Metrics } from '../metrics.ts';
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

/** `onOutbox` is called with the orders of a statement that may have left a message. */
export function createLedger(pool: Pool, metrics: Metrics, onOutbox: (orders: Order[]) => void): Ledger {
  const rows = async (sql: Statement, values: unknown[]) => (await pool.query<Order>(sql, values)).rows;

  async function follow(sql: Statement, values: unknown[]): Promise<Order[]> {
    const changed = await rows(sql, values);
    if (changed.some(({ status }) => status !== 'placed')) onOutbox(changed);
    return changed;
  }

  async function ended(sql: Statement, values: unknown[]): Promise<Order[]> {
    const changed = await follow(sql, values);
    for (const order of changed)
      if (order.decidedAtMs !== null && !order.compensationPending) observeFinal(order, metrics);
    return changed;
  }

  async function decided(sql: Statement, values: unknown[]): Promise<Order[]> {
    const changed = await ended(sql, values);
    for (const { mode, status, reason, decidedAtMs } of changed)
      if (decidedAtMs !== null) metrics.decided.inc({ mode, status, reason: reason ?? '' });
    return changed;
  }

  const ofEach =
    <Item>(run: typeof decided, { statement, fields }: Batch<Item>) =>
    async (items: Item[]) =>
      items.length > 0
        ? run(
            statement,
            fields.map((field) => items.map((item) => item[field])),
          )
        : [];

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
    compensated: ofEach(ended, COMPENSATED),
    takeRefundsOwed: async () => (await rows(TAKE_REFUNDS_OWED, [])).map(({ orderId }) => orderId),
    refunded: ofEach(follow, REFUNDED),
    read,
  };
}

const without = (placements: Placement[], orders: Order[]) => {
  const known = new Set(orders.map((order) => order.orderId));
  return placements.filter(({ orderId }) => !known.has(orderId));
};

/** A confirmed order that an operator cancels was final before: its buyer does not wait for this. */
function observeFinal({ orderId, mode, status, reason }: Order, metrics: Metrics) {
  const clickedAtMs = mintedAt(orderId);
  if (reason === 'admin' || clickedAtMs === undefined) return;
  // The clocks of two machines may differ by more than the fastest order takes.
  metrics.clickToFinal.observe({ mode, status }, Math.max(0, Date.now() - clickedAtMs) / 1_000);
}

const GATHER_MS = 5;

/** For stage 2, where each order is on its own: a statement is shared by the orders of the same few milliseconds. */
export const coalesced = (ledger: Ledger): Ledger => ({
  ...ledger,
  confirm: gathered(ledger.confirm),
  decline: gathered(ledger.decline),
  read: gathered(ledger.read),
});

function gathered(statement: (orderIds: string[]) => Promise<Order[]>): (orderIds: string[]) => Promise<Order[]> {
  const rowOf = groupCommit<string, Order | undefined>(GATHER_MS, async (orderIds) => {
    // A message that is delivered twice may be here twice.
    const rows = new Map((await statement([...new Set(orderIds)])).map((row) => [row.orderId, row]));
    return (orderId) => rows.get(orderId);
  });
  return async (orderIds) => {
    const rows = await Promise.all(orderIds.map(rowOf));
    return rows.filter((row) => row !== undefined);
  };
}
