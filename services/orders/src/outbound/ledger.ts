// The orders database: every statement of this service. A decision and its event are one statement.
import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';
import { EVENT_KEY_PREFIX } from '@flashsale/contracts/topology';
import { type Connection, inTransaction, type Pool } from '@flashsale/runtime/postgres';
import { type Decision, isSettled, type Ledger, type Order } from '../domain/order.ts';

const COLUMNS = `id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, epoch, status, reason, open, version,
  amount_minor AS "amountMinor", currency, extract(epoch FROM decided_at) * 1000 AS "decidedAtMs"`;

/** Every ended row leaves its event in the statement that ended it. */
const withEvents = (ending: string) => `WITH ended AS (${ending}), told AS (
    INSERT INTO outbox (order_id, routing_key, payload)
    SELECT id, '${EVENT_KEY_PREFIX}' || status, jsonb_build_object(
      'orderId', id, 'saleId', sale_id, 'buyerId', buyer_id, 'quantity', quantity, 'epoch', epoch, 'status', status,
      'reason', reason, 'version', version, 'amountMinor', amount_minor, 'currency', currency,
      'decidedAtMs', floor(extract(epoch FROM decided_at) * 1000)::bigint)
    FROM ended WHERE status <> 'placed' AND NOT open)
  SELECT ${COLUMNS} FROM ended`;

const COMMANDS = `unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::bigint[])
    AS command (id, sale_id, buyer_id, quantity, epoch, decide_by_ms)`;

// A command that comes after its time is a rejected row from the start.
const PLACE =
  withEvents(`INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, decide_by, status, reason, decided_at)
  SELECT id, sale_id, buyer_id, quantity, epoch, decide_by,
         CASE WHEN late THEN 'rejected' ELSE 'placed' END,
         CASE WHEN late THEN 'timed_out' END,
         CASE WHEN late THEN now() END
  FROM (SELECT *, to_timestamp(decide_by_ms / 1000.0) AS decide_by, to_timestamp(decide_by_ms / 1000.0) <= now() AS late
        FROM ${COMMANDS}) AS commands
  ORDER BY id
  ON CONFLICT DO NOTHING
  RETURNING *`);

const END_AT_ONCE =
  withEvents(`INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, decide_by, status, reason, decided_at)
  SELECT id, sale_id, buyer_id, quantity, epoch, to_timestamp(decide_by_ms / 1000.0), $7, $8, now()
  FROM ${COMMANDS}
  ORDER BY id
  ON CONFLICT (id) DO NOTHING
  RETURNING *`);

const READ = `SELECT ${COLUMNS} FROM orders WHERE id = ANY($1::uuid[])`;

// Two workers with the same orders wait for each other instead of deadlocking.
const LOCK = 'SELECT 1 FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE';

const DECIDE = withEvents(`UPDATE orders SET status = new_status, reason = new_reason, version = version + 1,
    amount_minor = new_amount_minor, currency = new_currency, decided_at = now(), touched_at = now()
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[])
    AS decision (order_id, new_status, new_reason, new_amount_minor, new_currency)
  WHERE id = order_id AND status = 'placed'
  RETURNING orders.*`);

const CLOSE = withEvents(`UPDATE orders SET open = false, version = version + 1, touched_at = now()
  WHERE id = ANY($1::uuid[]) AND open AND status IN ('rejected', 'expired', 'cancelled')
  RETURNING *`);

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

/** `onEvents` is called after a statement that left events in the outbox. */
export function createLedger(pool: Pool, onEvents: () => void) {
  function told(orders: Order[]): Order[] {
    if (orders.some(isSettled)) onEvents();
    return orders;
  }

  /** One row is its own lock; several are taken in the order of their ids. */
  async function change(sql: string, ids: string[], values: unknown[]): Promise<Order[]> {
    if (ids.length === 1) return told(await rows(pool, sql, values));
    const changed = await inTransaction(pool, async (connection) => {
      await connection.query(LOCK, [ids]);
      return rows(connection, sql, values);
    });
    return told(changed);
  }

  const endAtOnce = async (commands: OrderCommand[], status: string, reason: string): Promise<Order[]> =>
    told(commands.length ? await rows(pool, END_AT_ONCE, [...commandColumns(commands), status, reason]) : []);

  const find = (orderIds: string[]) => (orderIds.length ? rows(pool, READ, [orderIds]) : Promise.resolve([]));

  return {
    async place(commands: OrderCommand[]): Promise<Order[]> {
      const distinct = [...new Map(commands.map((command) => [command.orderId, command])).values()];
      const inserted = told(await rows(pool, PLACE, commandColumns(distinct)));
      const rest = without(distinct, inserted);
      const found = await find(rest.map((command) => command.orderId));
      // Neither inserted nor there: the index of live orders refused a buyer's second one.
      const duplicates = await endAtOnce(without(rest, found), 'rejected', 'duplicate');
      const overtaken = without(rest, [...found, ...duplicates]);
      return [...inserted, ...found, ...duplicates, ...(await find(overtaken.map((command) => command.orderId)))];
    },

    async decide(decisions: Decision[]): Promise<Order[]> {
      if (decisions.length === 0) return [];
      const ids = decisions.map((decision) => decision.orderId);
      return change(DECIDE, ids, [
        ids,
        decisions.map((decision) => decision.status),
        decisions.map((decision) => decision.reason),
        decisions.map((decision) => decision.amount?.amountMinor ?? null),
        decisions.map((decision) => decision.amount?.currency ?? null),
      ]);
    },

    async close(orderIds: string[]): Promise<void> {
      if (orderIds.length) await change(CLOSE, orderIds, [orderIds]);
    },

    async cancelUnknown(command: OrderCommand): Promise<Order> {
      const [cancelled] = await endAtOnce([command], 'cancelled', 'given_up');
      return cancelled ?? ((await find([command.orderId]))[0] as Order);
    },

    async read(orderIds: string[]): Promise<Order[]> {
      const byId = new Map((await find(orderIds)).map((order) => [order.orderId, order]));
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
