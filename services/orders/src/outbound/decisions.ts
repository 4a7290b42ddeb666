// The decisions on an order: each is one conditional statement, which also writes what must follow it.
// One that changes several rows locks them by sale, buyer and id, as inserts do, so that two wait for each other instead
// of deadlocking. Time is the database's alone.
import type { Money } from '@flashsale/contracts/fields';
import type { FinalStatus, Reason } from '@flashsale/contracts/messages';
import { EVENT_KEY_PREFIX, ORDER_EVENTS, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { type Statement, statement } from '@flashsale/runtime/postgres';
import type { Order } from '../domain/order.ts';
import { MAX_TAKEN, type Reservation } from '../domain/ports.ts';
import { type Given, given, ORDER_EVENT, ORDER_ROW, PAYMENT_DUE, PLACED_COLUMNS, PLACEMENTS } from './columns.ts';

/**
 * Wraps a statement that changes orders and returns all their columns. A queued order whose payment is requested leaves
 * its message for stage 2, a hold that may be paid and an order that is final leave their event; an order with its
 * compensation pending leaves nothing yet, because its ticket must not come back before its unit.
 */
const withOutbox = (name: string, changing: string): Statement =>
  statement(
    name,
    `WITH changed AS (${changing}), outgoing AS (
    INSERT INTO outbox (exchange, routing_key, order_id, payload)
    SELECT '${PAYMENTS_DUE.exchange}', '${PAYMENTS_DUE.queue}', id, ${PAYMENT_DUE}
    FROM changed WHERE status = 'reserved' AND pay_requested AND mode = 'queued'
    UNION ALL
    SELECT '${ORDER_EVENTS}', '${EVENT_KEY_PREFIX}' || status, id, ${ORDER_EVENT}
    FROM changed WHERE CASE status
      WHEN 'placed' THEN false WHEN 'reserved' THEN NOT pay_requested ELSE NOT compensation_pending END)
  SELECT ${ORDER_ROW} FROM changed`,
  );

/** A statement about any number of orders, and the fields of each that are its arguments. */
export interface Batch<Item> {
  statement: Statement;
  fields: (keyof Item)[];
}

/** `columns` and their `values` are those that a placement does not have. */
const insert = (name: string, columns: string, values: string, conflict = '') => ({
  statement: withOutbox(
    name,
    `WITH placement AS (
    SELECT *, now() + decide_within_ms * interval '1 ms' AS deadline FROM ${PLACEMENTS.sql})
  INSERT INTO orders (${PLACED_COLUMNS}, deadline, ${columns})
  SELECT ${PLACED_COLUMNS}, deadline, ${values} FROM placement
  ORDER BY sale_id, buyer_id, id
  ON CONFLICT ${conflict} DO NOTHING
  RETURNING *`,
  ),
  fields: PLACEMENTS.fields,
});

// An order that arrives after its time is a rejected row from the start.
export const PLACE = insert(
  'orders.place',
  'status, reason, decided_at',
  `CASE WHEN deadline <= now() THEN 'rejected' ELSE 'placed' END,
   CASE WHEN deadline <= now() THEN 'timed_out' END,
   CASE WHEN deadline <= now() THEN now() END`,
);

const insertEnded = (name: string, status: FinalStatus, reason: Reason, compensationPending: boolean) =>
  insert(
    name,
    'status, reason, compensation_pending, decided_at',
    `'${status}', '${reason}', ${compensationPending}, now()`,
    '(id)',
  );

export const INSERT_DUPLICATE = insertEnded('orders.insert_duplicate', 'rejected', 'duplicate', false);
// Its unit may be held and its money taken, if the row was lost with an older database.
export const GIVE_UP = insertEnded('orders.give_up', 'cancelled', 'given_up', true);

const change = (set: string) => `UPDATE orders SET ${set}, version = version + 1, touched_at = now()`;

const ORDER_ID: [string, string] = ['order_id', 'uuid'];
const ONLY_IDS = given<Pick<Order, 'orderId'>>({ orderId: ORDER_ID });

/** Changes the given orders that meet the condition; `given.` in `set`, because orders has columns of these names. */
const decide = <Item>(name: string, { sql, fields }: Given<Item>, set: string, condition: string): Batch<Item> => ({
  statement: withOutbox(
    name,
    `WITH given AS (
    SELECT given.* FROM ${sql} JOIN orders ON id = order_id ORDER BY sale_id, buyer_id, id FOR UPDATE OF orders)
  ${change(set)} FROM given WHERE id = order_id AND ${condition}
  RETURNING orders.*`,
  ),
  fields,
});

export const RESERVE = decide(
  'orders.reserve',
  given<{ orderId: string } & Money & Omit<Reservation, 'state' | 'reason' | 'amount'>>({
    orderId: ORDER_ID,
    amountMinor: ['amount_minor', 'bigint'],
    currency: ['currency', 'text'],
    checkout: ['checkout', 'text'],
    holdSeconds: ['hold_seconds', 'int'],
    decideWithinSeconds: ['decide_within_seconds', 'int'],
  }),
  `status = 'reserved', amount_minor = given.amount_minor, currency = given.currency,
   pay_requested = (given.checkout = 'instant'),
   pay_within = interval '1 second' * CASE mode WHEN 'direct' THEN 30 ELSE given.decide_within_seconds END,
   deadline = CASE given.checkout WHEN 'hold' THEN now() + given.hold_seconds * interval '1 second' ELSE deadline END`,
  `status = 'placed'`,
);

export const REFUSE = decide(
  'orders.refuse',
  given<Pick<Order, 'orderId' | 'reason'>>({ orderId: ORDER_ID, reason: ['reason', 'text'] }),
  `status = 'rejected', reason = given.reason, decided_at = now()`,
  `status = 'placed'`,
);

export const REQUEST_PAYMENT = withOutbox(
  'orders.request_payment',
  `${change(`pay_requested = true, deadline = now() + pay_within`)}
  WHERE id = $1 AND buyer_id = $2 AND status = 'reserved' AND NOT pay_requested RETURNING *`,
);

export const CONFIRM = decide(
  'orders.confirm',
  ONLY_IDS,
  `status = 'confirmed', decided_at = now()`,
  `status = 'reserved'`,
);

/** The end of an order that may hold a unit and money. */
const ended = (status: string, reason: string) =>
  `status = ${status}, reason = ${reason}, compensation_pending = true, decided_at = now()`;

export const DECLINE = decide('orders.decline', ONLY_IDS, ended(`'rejected'`, `'declined'`), `status = 'reserved'`);

export const CANCEL_RESERVED = withOutbox(
  'orders.cancel_reserved',
  `${change(ended(`'cancelled'`, `'buyer'`))}
  WHERE id = $1 AND buyer_id = $2 AND status = 'reserved' AND NOT pay_requested RETURNING *`,
);

export const CANCEL_CONFIRMED = withOutbox(
  'orders.cancel_confirmed',
  `${change(ended(`'cancelled'`, `'admin'`))}
  WHERE id = $1 AND status = 'confirmed' RETURNING *`,
);

/** At most so many rows, each for one taker. The condition stands twice: a row may change between choice and lock. */
export const changeSome = (changing: string, condition: string, order: string) => `
  WITH chosen AS (
    SELECT id AS chosen_id FROM orders WHERE ${condition} ORDER BY ${order} LIMIT ${MAX_TAKEN} FOR UPDATE SKIP LOCKED)
  ${changing} FROM chosen WHERE id = chosen_id AND ${condition}
  RETURNING orders.*`;

const UNPAID = `status = 'reserved' AND NOT pay_requested`;
export const TIME_OUT = withOutbox(
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

const REFUNDS = given<Pick<Order, 'orderId' | 'refund'>>({ orderId: ORDER_ID, refund: ['refund', 'text'] });
export const COMPENSATED = decide(
  'orders.compensated',
  REFUNDS,
  'compensation_pending = false, refund = given.refund',
  'compensation_pending',
);
export const REFUNDED = decide('orders.refunded', REFUNDS, 'refund = given.refund', `orders.refund = 'owed'`);
