// The orders database: every statement of this service. A decision and its event are one transaction.

import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import { eventKey } from '@flashsale/contracts/topology';
import { type Connection, inTransaction, type Pool } from '@flashsale/runtime/postgres';
import type { Decision, Ledger, Order } from '../domain/order.ts';

const COLUMNS = `id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, epoch, status, reason, open, version,
  amount_minor AS "amountMinor", currency, extract(epoch FROM decided_at) * 1000 AS "decidedAtMs"`;

// A command that comes after its time is a rejected row from the start.
const PLACE = `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, decide_by, status, reason, decided_at)
  SELECT id, sale_id, buyer_id, quantity, epoch, decide_by,
         CASE WHEN late THEN 'rejected' ELSE 'placed' END,
         CASE WHEN late THEN 'timed_out' END,
         CASE WHEN late THEN now() END
  FROM (SELECT *, to_timestamp(decide_by_ms / 1000.0) AS decide_by, to_timestamp(decide_by_ms / 1000.0) <= now() AS late
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::bigint[])
          AS command (id, sale_id, buyer_id, quantity, epoch, decide_by_ms)) AS commands
  ORDER BY id
  ON CONFLICT DO NOTHING
  RETURNING ${COLUMNS}`;

const END_AT_ONCE = `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, decide_by, status, reason, decided_at)
  SELECT id, sale_id, buyer_id, quantity, epoch, to_timestamp(decide_by_ms / 1000.0), $7, $8, now()
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::bigint[])
    AS command (id, sale_id, buyer_id, quantity, epoch, decide_by_ms)
  ORDER BY id
  ON CONFLICT (id) DO NOTHING
  RETURNING ${COLUMNS}`;

const READ = `SELECT ${COLUMNS} FROM orders WHERE id = ANY($1::uuid[])`;

// Two workers with the same orders wait for each other instead of deadlocking.
const LOCK = 'SELECT 1 FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE';

const DECIDE = `UPDATE orders SET status = new_status, reason = new_reason, version = version + 1,
    amount_minor = new_amount_minor, currency = new_currency, decided_at = now(), touched_at = now()
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[])
    AS decision (order_id, new_status, new_reason, new_amount_minor, new_currency)
  WHERE id = order_id AND status = 'placed'
  RETURNING ${COLUMNS}`;

const CLOSE = `UPDATE orders SET open = false, version = version + 1, touched_at = now()
  WHERE id = ANY($1::uuid[]) AND open AND status IN ('rejected', 'expired', 'cancelled')
  RETURNING ${COLUMNS}`;

const TIME_OUT = `UPDATE orders SET status = 'rejected', reason = 'timed_out', open = true, version = version + 1,
    decided_at = now(), touched_at = now()
  WHERE id IN (SELECT id FROM orders WHERE status = 'placed' AND decide_by <= now()
               ORDER BY id LIMIT 200 FOR UPDATE SKIP LOCKED)
    AND status = 'placed'
  RETURNING ${COLUMNS}`;

const TAKE_UNFINISHED = `UPDATE orders SET touched_at = now()
  WHERE id IN (SELECT id FROM orders
               WHERE (status = 'placed' OR open) AND touched_at < now() - $1 * interval '1 millisecond'
               ORDER BY touched_at LIMIT 200 FOR UPDATE SKIP LOCKED)
  RETURNING ${COLUMNS}`;

const REMEMBER_EVENTS = `INSERT INTO outbox (order_id, routing_key, payload)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[])`;

const NEXT_EVENTS = `SELECT id, order_id AS "orderId", routing_key AS "routingKey", payload FROM outbox
  ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`;
const FORGET_EVENTS = 'DELETE FROM outbox WHERE id = ANY($1::bigint[])';

export interface OutboxEvent {
  id: number;
  orderId: string;
  routingKey: string;
  payload: OrderEvent;
}

export type OrdersLedger = ReturnType<typeof createLedger>;

/** `onEvents` is called after a transaction that left events in the outbox. */
export function createLedger(pool: Pool, onEvents: () => void) {
  /** Runs `work`, writes an event for each row it ended, and tells about them after the commit. */
  async function ending<T>(work: (connection: Connection) => Promise<{ ended: Order[]; result: T }>): Promise<T> {
    const { ended, result } = await inTransaction(pool, async (connection) => {
      const done = await work(connection);
      if (done.ended.length) await connection.query(REMEMBER_EVENTS, columns(done.ended.map(asEvent)));
      return done;
    });
    if (ended.length) onEvents();
    return result;
  }

  return {
    place: (commands: OrderCommand[]) =>
      ending(async (connection) => {
        const distinct = [...new Map(commands.map((command) => [command.orderId, command])).values()];
        const inserted = await rows(connection, PLACE, commandColumns(distinct));
        const rest = without(distinct, inserted);
        const found = rest.length ? await rows(connection, READ, [rest.map((command) => command.orderId)]) : [];
        const buyersSecond = without(rest, found);
        const duplicates = await endAtOnce(connection, buyersSecond, 'rejected', 'duplicate');
        const ended = [...inserted.filter((order) => order.status === 'rejected'), ...duplicates];
        return { ended, result: [...inserted, ...found, ...duplicates] };
      }),

    decide: (decisions: Decision[]) =>
      ending(async (connection) => {
        if (decisions.length === 0) return { ended: [], result: undefined };
        const ids = decisions.map((decision) => decision.orderId);
        await connection.query(LOCK, [ids]);
        const ended = await rows(connection, DECIDE, [
          ids,
          decisions.map((decision) => decision.status),
          decisions.map((decision) => decision.reason),
          decisions.map((decision) => decision.amount?.amountMinor ?? null),
          decisions.map((decision) => decision.amount?.currency ?? null),
        ]);
        return { ended, result: undefined };
      }),

    close: (orderIds: string[]) =>
      ending(async (connection) => {
        await connection.query(LOCK, [orderIds]);
        return { ended: await rows(connection, CLOSE, [orderIds]), result: undefined };
      }),

    cancelUnknown: (command: OrderCommand) =>
      ending(async (connection) => {
        const ended = await endAtOnce(connection, [command], 'cancelled', 'given_up');
        const [order] = ended.length ? ended : await rows(connection, READ, [[command.orderId]]);
        return { ended, result: order as Order };
      }),

    async read(orderIds: string[]): Promise<Order[]> {
      const byId = new Map((await rows(pool, READ, [orderIds])).map((order) => [order.orderId, order]));
      return orderIds.flatMap((orderId) => byId.get(orderId) ?? []);
    },

    timeOut: () => rows(pool, TIME_OUT, []),
    takeUnfinished: (untouchedForMs: number) => rows(pool, TAKE_UNFINISHED, [untouchedForMs]),

    /** Hands the oldest events to `send` and forgets those that it says are delivered; answers how many. */
    relay: (most: number, send: (events: OutboxEvent[]) => Promise<boolean[]>): Promise<number> =>
      inTransaction(pool, async (connection) => {
        const { rows: events } = await connection.query<OutboxEvent>(NEXT_EVENTS, [most]);
        if (events.length === 0) return 0;
        const delivered = await send(events);
        const gone = events.filter((_, index) => delivered[index]).map((event) => event.id);
        await connection.query(FORGET_EVENTS, [gone]);
        return gone.length;
      }),

    async unready(): Promise<string[]> {
      await pool.query('SELECT 1');
      return [];
    },
  } satisfies Ledger & Record<string, unknown>;
}

async function rows(database: Connection | Pool, sql: string, values: unknown[]): Promise<Order[]> {
  const { rows } = await database.query(sql, values);
  return rows.map(({ amountMinor, currency, decidedAtMs, ...order }) => ({
    ...order,
    amount: amountMinor === null ? null : { amountMinor, currency },
    decidedAtMs: decidedAtMs === null ? null : Math.floor(Number(decidedAtMs)),
  }));
}

async function endAtOnce(connection: Connection, commands: OrderCommand[], status: string, reason: string) {
  return commands.length ? rows(connection, END_AT_ONCE, [...commandColumns(commands), status, reason]) : [];
}

const without = (commands: OrderCommand[], orders: Order[]) => {
  const known = new Set(orders.map((order) => order.orderId));
  return commands.filter((command) => !known.has(command.orderId));
};

const commandColumns = (commands: OrderCommand[]) => [
  commands.map((command) => command.orderId),
  commands.map((command) => command.saleId),
  commands.map((command) => command.buyerId),
  commands.map((command) => command.quantity),
  commands.map((command) => command.epoch),
  commands.map((command) => command.decideByMs),
];

const columns = (events: OrderEvent[]) => [
  events.map((event) => event.orderId),
  events.map((event) => eventKey(event.status)),
  events.map((event) => JSON.stringify(event)),
];

const asEvent = ({ orderId, saleId, buyerId, quantity, epoch, status, reason, version, amount, decidedAtMs }: Order) =>
  ({
    orderId,
    saleId,
    buyerId,
    quantity,
    epoch,
    status,
    reason,
    version,
    amountMinor: amount?.amountMinor ?? null,
    currency: amount?.currency ?? null,
    decidedAtMs: decidedAtMs ?? Date.now(),
  }) as OrderEvent;
