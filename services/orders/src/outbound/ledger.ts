// The orders database: every decision on an order is one conditional statement.
// A statement that changes several rows locks them by sale, buyer and id, as inserts do, so that two of them wait for
// each other instead of deadlocking. Time is the database's alone.
import type { FinalStatus, Reason } from '@flashsale/contracts/messages';
import { type Pool, type Statement, statement } from '@flashsale/runtime/postgres';
import type { Order, Placement } from '../domain/order.ts';
import { type Ledger, MAX_TAKEN } from '../domain/ports.ts';
import { COLUMNS, withOutbox } from './outbox.ts';

const PLACEMENTS = `(SELECT *, now() + decide_within_ms * interval '1 ms' AS deadline
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::text[], $7::int[])
    AS given (id, sale_id, buyer_id, quantity, epoch, mode, decide_within_ms)) AS placement`;

// An order that arrives after its time is a rejected row from the start.
const PLACE = withOutbox(
  'orders.place',
  `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, mode, deadline, status, reason, decided_at)
  SELECT id, sale_id, buyer_id, quantity, epoch, mode, deadline,
         CASE WHEN deadline <= now() THEN 'rejected' ELSE 'placed' END,
         CASE WHEN deadline <= now() THEN 'timed_out' END,
         CASE WHEN deadline <= now() THEN now() END
  FROM ${PLACEMENTS}
  ORDER BY sale_id, buyer_id, id
  ON CONFLICT DO NOTHING
  RETURNING *`,
);

const insertEnded = (name: string, status: FinalStatus, reason: Reason, compensationPending: boolean) =>
  withOutbox(
    name,
    `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, mode, deadline, status, reason, compensation_pending,
    decided_at)
  SELECT id, sale_id, buyer_id, quantity, epoch, mode, deadline, '${status}', '${reason}', ${compensationPending}, now()
  FROM ${PLACEMENTS}
  ORDER BY sale_id, buyer_id, id
  ON CONFLICT (id) DO NOTHING
  RETURNING *`,
  );

const INSERT_DUPLICATE = insertEnded('orders.insert_duplicate', 'rejected', 'duplicate', false);
// Its unit may be held and its money taken, if the row was lost with an older database.
const GIVE_UP = insertEnded('orders.give_up', 'cancelled', 'given_up', true);

const change = (set: string) => `UPDATE orders SET ${set}, version = version + 1, touched_at = now()`;

/** Changes the rows of $1 that fulfil the condition; `given` are more columns, one value for each id of $1. */
function decide(name: string, set: string, condition: string, given: Record<string, string> = {}) {
  const arrays = ['uuid', ...Object.values(given)].map((type, index) => `$${index + 1}::${type}[]`);
  return withOutbox(
    name,
    `WITH given AS (
    SELECT given.* FROM unnest(${arrays.join(', ')}) AS given (${['order_id', ...Object.keys(given)].join(', ')})
    JOIN orders ON id = order_id ORDER BY sale_id, buyer_id, id FOR UPDATE OF orders)
  ${change(set)} FROM given WHERE id = order_id AND ${condition}
  RETURNING orders.*`,
  );
}

const RESERVE = decide(
  'orders.reserve',
  `status = 'reserved', amount_minor = new_amount_minor, currency = new_currency, pay_requested = (checkout = 'instant'),
   pay_within = interval '1 second' * CASE mode WHEN 'direct' THEN 30 ELSE decide_within_seconds END,
   deadline = CASE checkout WHEN 'hold' THEN now() + hold_seconds * interval '1 second' ELSE deadline END`,
  `status = 'placed'`,
  {
    new_amount_minor: 'bigint',
    new_currency: 'text',
    checkout: 'text',
    hold_seconds: 'int',
    decide_within_seconds: 'int',
  },
);

const REFUSE = decide(
  'orders.refuse',
  `status = 'rejected', reason = new_reason, decided_at = now()`,
  `status = 'placed'`,
  { new_reason: 'text' },
);

const REQUEST_PAYMENT = withOutbox(
  'orders.request_payment',
  `${change(`pay_requested = true, deadline = now() + pay_within`)}
  WHERE id = $1 AND buyer_id = $2 AND status = 'reserved' AND NOT pay_requested RETURNING *`,
);

const CONFIRM = decide('orders.confirm', `status = 'confirmed', decided_at = now()`, `status = 'reserved'`);

/** The end of an order that may hold a unit and money. */
const ended = (status: string, reason: string) =>
  `status = ${status}, reason = ${reason}, compensation_pending = true, decided_at = now()`;

const DECLINE = decide('orders.decline', ended(`'rejected'`, `'declined'`), `status = 'reserved'`);

const CANCEL_RESERVED = withOutbox(
  'orders.cancel_reserved',
  `${change(ended(`'cancelled'`, `'buyer'`))}
  WHERE id = $1 AND buyer_id = $2 AND status = 'reserved' AND NOT pay_requested RETURNING *`,
);

const CANCEL_CONFIRMED = withOutbox(
  'orders.cancel_confirmed',
  `${change(ended(`'cancelled'`, `'admin'`))}
  WHERE id = $1 AND status = 'confirmed' RETURNING *`,
);

/** Changes at most so many rows, each for one taker. The condition stands twice: a row may change between choice and lock. */
const changeSome = (changing: string, condition: string, order: string) => `
  WITH chosen AS (
    SELECT id AS chosen_id FROM orders WHERE ${condition} ORDER BY ${order} LIMIT ${MAX_TAKEN} FOR UPDATE SKIP LOCKED)
  ${changing} FROM chosen WHERE id = chosen_id AND ${condition}
  RETURNING orders.*`;

const UNPAID = `status = 'reserved' AND NOT pay_requested`;
const TIME_OUT = withOutbox(
  'orders.time_out',
  changeSome(
    change(
      ended(
        `CASE WHEN ${UNPAID} THEN 'expired' ELSE 'rejected' END`,
        `CASE WHEN ${UNPAID} THEN NULL ELSE 'timed_out' END`,
      ),
    ),
    `decided_at IS NULL AND deadline <= now()`,
    'deadline',
  ),
);

const take = (name: string, condition: string) =>
  statement(
    name,
    `WITH taken AS (${changeSome('UPDATE orders SET touched_at = now()', condition, 'touched_at')})
  SELECT ${COLUMNS} FROM taken`,
  );

const TAKE_COMPENSATION_PENDING = take(
  'orders.take_compensation_pending',
  `compensation_pending AND touched_at < now() - $1::float8 * interval '1 millisecond'`,
);
const COMPENSATED = decide(
  'orders.compensated',
  'compensation_pending = false, refund = new_refund',
  'compensation_pending',
  { new_refund: 'text' },
);

// Due again after as long as it has waited already, so the interval doubles.
const TAKE_REFUNDS_OWED = take(
  'orders.take_refunds_owed',
  `refund = 'owed' AND touched_at +
  least(greatest(touched_at - decided_at, interval '1 second'), interval '5 minutes') <= now()`,
);
const REFUNDED = decide('orders.refunded', 'refund = new_refund', `refund = 'owed'`, { new_refund: 'text' });

const READ = statement('orders.read', `SELECT ${COLUMNS} FROM orders WHERE id = ANY($1::uuid[])`);

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

  /** A statement whose arguments are columns, one value for each item. */
  const ofEach =
    <Item>(run: typeof decided, sql: Statement, columns: (items: Item[]) => unknown[][]) =>
    async (items: Item[]) =>
      items.length > 0 ? run(sql, columns(items)) : [];

  const read = ofEach(rows, READ, (orderIds: string[]) => [orderIds]);
  const place = ofEach(decided, PLACE, placementColumns);
  const insertDuplicates = ofEach(decided, INSERT_DUPLICATE, placementColumns);

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

    reserve: ofEach(decided, RESERVE, (reservations) => [
      reservations.map(({ orderId }) => orderId),
      reservations.map(({ amount }) => amount.amountMinor),
      reservations.map(({ amount }) => amount.currency),
      reservations.map(({ checkout }) => checkout),
      reservations.map(({ holdSeconds }) => holdSeconds),
      reservations.map(({ decideWithinSeconds }) => decideWithinSeconds),
    ]),
    refuse: ofEach(decided, REFUSE, (refusals) => [
      refusals.map(({ orderId }) => orderId),
      refusals.map(({ reason }) => reason),
    ]),
    requestPayment: async (orderId, buyerId) => (await decided(REQUEST_PAYMENT, [orderId, buyerId]))[0],
    confirm: ofEach(decided, CONFIRM, (orderIds) => [orderIds]),
    decline: ofEach(decided, DECLINE, (orderIds) => [orderIds]),
    cancelReserved: async (orderId, buyerId) => (await decided(CANCEL_RESERVED, [orderId, buyerId]))[0],
    cancelConfirmed: async (orderId) => (await decided(CANCEL_CONFIRMED, [orderId]))[0],
    giveUp: async (placement) => (await decided(GIVE_UP, placementColumns([placement])))[0],
    timeOut: () => decided(TIME_OUT, []),

    takeCompensationPending: (untouchedForMs) => rows(TAKE_COMPENSATION_PENDING, [untouchedForMs]),
    compensated: ofEach(follow, COMPENSATED, refundColumns),
    takeRefundsOwed: async () => (await rows(TAKE_REFUNDS_OWED, [])).map(({ orderId }) => orderId),
    refunded: ofEach(follow, REFUNDED, refundColumns),
    read,
  };
}

const without = (placements: Placement[], orders: Order[]) => {
  const known = new Set(orders.map((order) => order.orderId));
  return placements.filter(({ orderId }) => !known.has(orderId));
};

const placementColumns = (placements: Placement[]) => [
  placements.map(({ orderId }) => orderId),
  placements.map(({ saleId }) => saleId),
  placements.map(({ buyerId }) => buyerId),
  placements.map(({ quantity }) => quantity),
  placements.map(({ epoch }) => epoch),
  placements.map(({ mode }) => mode),
  placements.map(({ decideWithinMs }) => decideWithinMs),
];

const refundColumns = (outcomes: { orderId: string; refund: Order['refund'] }[]) => [
  outcomes.map(({ orderId }) => orderId),
  outcomes.map(({ refund }) => refund),
];
