// The final state of orders: polled at the gateway, as their buyers would, or read from the database that decides them.
import { mintedAt } from '@flashsale/contracts/fields';
import type pg from 'pg';
import type { Order, Shop } from '../../infra/clients/shop.ts';
import { until } from '../../infra/until.ts';
import { isFinal } from './figures.ts';

const AT_ONCE = 16;
export type Placed = { orderId: string; token: string; location?: string | null | undefined };

/**
 * Orders end about in the order in which they were placed, so a poll stops where the queue begins: polling every one
 * each time would take the machine's time from the very work that is waited for. An order that is not final at the
 * timeout is returned as it is.
 */
export async function untilFinal(shop: Shop, placed: Placed[], withinMs: number): Promise<Map<string, Order>> {
  const known = new Map<string, Order>();
  let remaining = placed.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1));
  async function poll() {
    for (let from = 0; from < remaining.length; from += AT_ONCE) {
      const some = remaining.slice(from, from + AT_ONCE);
      const orders = await Promise.all(
        some.map(({ orderId, token, location }) => shop.order(orderId, token, location)),
      );
      for (const order of orders) if (order) known.set(order.orderId, order);
      if (!orders.some(isFinal)) break;
    }
    remaining = remaining.filter(({ orderId }) => !isFinal(known.get(orderId)));
    return remaining.length === 0;
  }
  await until('every order is final', poll, { withinMs, everyMs: 250 }).catch(() => undefined);
  return known;
}

/** How many of these orders are past the queue in time. */
export async function untilReserved(shop: Shop, placed: Placed[], withinMs: number): Promise<number> {
  let remaining = placed;
  const isQueued = async ({ orderId, token }: Placed) => {
    const order = await shop.order(orderId, token);
    return !order || order.status === 'queued';
  };
  async function poll() {
    const queued = await Promise.all(remaining.slice(0, AT_ONCE).map(isQueued));
    remaining = remaining.filter((_, i) => queued[i] ?? true);
    return remaining.length === 0;
  }
  await until('every order is reserved', poll, { withinMs, everyMs: 5 }).catch(() => undefined);
  return placed.length - remaining.length;
}

const ORDERS = `SELECT id AS "orderId", status, extract(epoch FROM decided_at)::float8 * 1000 AS "decidedAt"
  FROM orders WHERE sale_id = $1`;

export async function ordersOf(database: pg.Pool, saleId: string): Promise<Map<string, Order>> {
  const { rows } = await database.query<Omit<Order, 'createdAt'>>(ORDERS, [saleId]);
  return new Map(rows.map((row) => [row.orderId, { ...row, createdAt: mintedAt(row.orderId) ?? 0 }]));
}
