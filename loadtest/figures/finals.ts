// The final state of orders: as their buyers learn it at the gateway, or read from the database that decides them.
import { mintedAt } from '@flashsale/contracts/ids';
import type pg from 'pg';
import type { Order, Shop } from '../../infra/clients/shop.ts';
import { until } from '../../infra/until.ts';
import { isFinal } from './figures.ts';

const AT_ONCE = 16;
export type Asked = { orderId: string; token: string; location?: string | null | undefined };

/**
 * Orders end about in the order in which they were placed, so a round stops where the queue begins: asking for every
 * one each time would take the machine's time from the very work that is waited for. An order that is still open when
 * the time is up is returned as it is.
 */
export async function untilFinal(shop: Shop, asked: Asked[], withinMs: number): Promise<Map<string, Order>> {
  const known = new Map<string, Order>();
  let open = asked.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1));
  async function askRound() {
    for (let from = 0; from < open.length; from += AT_ONCE) {
      const some = open.slice(from, from + AT_ONCE);
      const orders = await Promise.all(
        some.map(({ orderId, token, location }) => shop.order(orderId, token, location)),
      );
      for (const order of orders) if (order) known.set(order.orderId, order);
      if (!orders.some(isFinal)) break;
    }
    open = open.filter(({ orderId }) => !isFinal(known.get(orderId)));
    return open.length === 0;
  }
  await until('every order is final', askRound, { withinMs, everyMs: 250 }).catch(() => undefined);
  return known;
}

/** How many of these orders are past the queue in time. */
export async function untilReserved(shop: Shop, asked: Asked[], withinMs: number): Promise<number> {
  let open = asked;
  const isQueued = async ({ orderId, token }: Asked) => {
    const order = await shop.order(orderId, token);
    return !order || order.status === 'queued';
  };
  async function askRound() {
    const queued = await Promise.all(open.slice(0, AT_ONCE).map(isQueued));
    open = open.filter((_, i) => queued[i] ?? true);
    return open.length === 0;
  }
  await until('every order is reserved', askRound, { withinMs, everyMs: 5 }).catch(() => undefined);
  return asked.length - open.length;
}

const ORDERS = `SELECT id AS "orderId", status, extract(epoch FROM decided_at)::float8 * 1000 AS "decidedAt"
  FROM orders WHERE sale_id = $1`;

export async function ordersOf(database: pg.Pool, saleId: string): Promise<Map<string, Order>> {
  const { rows } = await database.query<Omit<Order, 'createdAt'>>(ORDERS, [saleId]);
  return new Map(rows.map((row) => [row.orderId, { ...row, createdAt: mintedAt(row.orderId) ?? 0 }]));
}
