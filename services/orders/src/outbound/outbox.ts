// The outbox: the statement that decides has written what must follow it; the relay carries that to the broker.
import { declareTopology, ORDER_EVENTS, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { createPublisher, type Publisher } from '@flashsale/messaging/publisher';
import type { Log } from '@flashsale/runtime/log';
import { type Loop, startLoop } from '@flashsale/runtime/loop';
import { inTransaction, type Pool, statement } from '@flashsale/runtime/postgres';
import type { Registry } from '@prometheus-io/client';
import { isDue } from '../domain/fulfil-order.ts';
import type { Order } from '../domain/order.ts';

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
export function startOutbox(url: string, pool: Pool, log: Log, registry: Registry) {
  const start = (name: string, exchange: string) => {
    const publisher = createPublisher({ url, name: `orders: ${name}`, log, registry, declare: declareTopology });
    return { publisher, relay: startRelay(exchange, { pool, publisher, log, registry }) };
  };
  const work = start('work', PAYMENTS_DUE.exchange);
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
function startRelay(
  exchange: string,
  { pool, publisher, log, registry }: { pool: Pool; publisher: Publisher; log: Log; registry: Registry },
): Loop {
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
      const remaining = rows.length - confirmed.length;
      if (returned) log.error({ exchange, remaining, routingKey: returned.routingKey }, 'no queue takes a message');
      else if (remaining > 0) log.warn({ exchange, remaining }, 'not confirmed by the broker, to be published again');
      return confirmed.length;
    });

  const loop = startLoop({
    name: `relay of ${exchange}`,
    everyMs: 1_000,
    log,
    registry,
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
