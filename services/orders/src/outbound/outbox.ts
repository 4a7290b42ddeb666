// The outbox: what must follow a decision is written by the statement that decides, and carried to the broker afterwards.
import {
  declareTopology,
  EVENT_KEY_PREFIX,
  ORDER_EVENTS,
  ORDERS_PLACED,
  PAYMENTS_DUE,
} from '@flashsale/contracts/topology';
import { createPublisher, type Publisher } from '@flashsale/messaging/publisher';
import type { Log } from '@flashsale/runtime/log';
import { type Loop, startLoop } from '@flashsale/runtime/loop';
import { inTransaction, type Pool, statement } from '@flashsale/runtime/postgres';
import { isDue, type Order } from '../domain/order.ts';

const unixMs = (column: string) => `floor(extract(epoch FROM ${column}) * 1000)::bigint`;

const AMOUNT = `CASE WHEN amount_minor IS NOT NULL
  THEN jsonb_build_object('amountMinor', amount_minor, 'currency', currency) END`;

export const COLUMNS = `id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, epoch, mode, status, reason,
  ${unixMs('deadline')} AS "deadlineMs", pay_requested AS "payRequested", ${AMOUNT} AS amount,
  compensation_pending AS "compensationPending", refund, version, ${unixMs('decided_at')} AS "decidedAtMs"`;

// A `PaymentDue` and an `OrderEvent` of the contracts.
const PAYMENT_DUE = `'orderId', id, 'saleId', sale_id, 'amount', ${AMOUNT}`;
const ORDER_EVENT = `'orderId', id, 'saleId', sale_id, 'buyerId', buyer_id, 'quantity', quantity, 'epoch', epoch,
  'status', status, 'reason', reason, 'version', version, 'amount', ${AMOUNT},
  'deadlineMs', ${unixMs('deadline')}, 'refund', refund, 'decidedAtMs', ${unixMs('decided_at')}`;

/**
 * Wraps a statement that changes orders and returns all their columns. A queued order whose payment is requested leaves
 * its message for stage 2, a hold that may be paid and an order that is final leave their event; an order with its
 * compensation pending leaves nothing yet, because its ticket must not come back before its unit.
 */
export const withOutbox = (name: string, changing: string) =>
  statement(
    name,
    `WITH changed AS (${changing}), outgoing AS (
    INSERT INTO outbox (exchange, routing_key, order_id, payload)
    SELECT '${PAYMENTS_DUE.exchange}', '${PAYMENTS_DUE.queue}', id, jsonb_build_object(${PAYMENT_DUE})
    FROM changed WHERE status = 'reserved' AND pay_requested AND mode = 'queued'
    UNION ALL
    SELECT '${ORDER_EVENTS}', '${EVENT_KEY_PREFIX}' || status, id, jsonb_build_object(${ORDER_EVENT})
    FROM changed WHERE CASE status
      WHEN 'placed' THEN false WHEN 'reserved' THEN NOT pay_requested ELSE NOT compensation_pending END)
  SELECT ${COLUMNS} FROM changed`,
  );

const NEXT = statement(
  'orders.next_outgoing',
  `SELECT id, order_id AS "orderId", routing_key AS "routingKey", payload FROM outbox
  WHERE exchange = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`,
);
const DELETE = statement('orders.delete_outgoing', 'DELETE FROM outbox WHERE id = ANY($1::bigint[])');

interface Outgoing {
  id: number;
  orderId: string;
  routingKey: string;
  payload: object;
}

const MAX_AT_ONCE = 500;
/** Orders that are decided at about the same time are published together. */
const GATHER_MS = 50;

/** A publisher for each exchange: one that the broker refuses for a full queue must not hold back the other. */
export function startOutbox(url: string, pool: Pool, log: Log) {
  const start = (name: string, exchange: string) => {
    const publisher = createPublisher({ url, name: `orders: ${name}`, log, declare: declareTopology });
    return { publisher, relay: startRelay(exchange, { pool, publisher, log }) };
  };
  const work = start('work', ORDERS_PLACED.exchange);
  const events = start('events', ORDER_EVENTS);
  return {
    work: work.publisher,
    kick(orders: Order[]) {
      if (orders.some(isDue)) work.relay.kick();
      if (!orders.every(isDue)) events.relay.kick();
    },
    unready: () => (events.publisher.available() ? [] : ['cannot publish']),
    async stop() {
      await Promise.all([work.relay.stop(), events.relay.stop()]);
      await Promise.all([work.publisher.stop(), events.publisher.stop()]);
    },
  };
}

/** Publishes what waits for one exchange: at least once, and deleted only when the broker has confirmed it. */
function startRelay(exchange: string, options: { pool: Pool; publisher: Publisher; log: Log }): Loop {
  const { pool, publisher, log } = options;

  const publish = ({ orderId, routingKey, payload }: Outgoing) =>
    publisher.publish(exchange, routingKey, { id: orderId, body: payload });

  /** How many were confirmed; the others stay, and are published again. */
  const relay = () =>
    inTransaction(pool, async (connection) => {
      const { rows } = await connection.query<Outgoing>(NEXT, [exchange, MAX_AT_ONCE]);
      const results = await Promise.all(rows.map(publish));
      const confirmed = rows.filter((_, index) => results[index] === 'confirmed').map(({ id }) => id);
      if (confirmed.length > 0) await connection.query(DELETE, [confirmed]);
      const returned = rows.find((_, index) => results[index] === 'returned');
      const left = { exchange, left: rows.length - confirmed.length };
      if (returned) log.error({ ...left, routingKey: returned.routingKey }, 'no queue takes a message');
      else if (left.left > 0) log.warn(left, 'not confirmed by the broker, to be published again');
      return confirmed.length;
    });

  const loop = startLoop({
    name: `relay of ${exchange}`,
    everyMs: 1_000,
    log,
    async run() {
      while (publisher.available() && (await relay()) === MAX_AT_ONCE);
    },
  });
  return gathered(loop);
}

/** Kicks within `GATHER_MS` are one. */
function gathered(loop: Loop): Loop {
  let timer: NodeJS.Timeout | undefined;
  return {
    kick() {
      timer ??= setTimeout(() => {
        timer = undefined;
        loop.kick();
      }, GATHER_MS);
    },
    async stop() {
      clearTimeout(timer);
      await loop.stop();
    },
  };
}
