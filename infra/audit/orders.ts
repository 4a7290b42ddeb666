// Orders by itself: its rows and what it still has to tell, in one snapshot.
import type pg from 'pg';
import { type Check, each } from './check.ts';
import { inSnapshot } from './stores.ts';

export interface OrderRow {
  id: string;
  saleId: string;
  buyerId: string;
  quantity: number;
  status: 'placed' | 'held' | 'confirmed' | 'rejected' | 'expired' | 'cancelled';
  open: boolean;
  version: number;
  decideByMs: number;
}

export interface Orders {
  rows: Map<string, OrderRow>;
  untold: number;
}

const ROWS = `SELECT id, sale_id AS "saleId", buyer_id AS "buyerId", quantity, status, open, version,
  extract(epoch FROM decide_by)::float8 * 1000 AS "decideByMs" FROM orders`;

export function readOrders(pool: pg.Pool): Promise<Orders> {
  return inSnapshot(pool, async (connection) => {
    const { rows } = await connection.query<OrderRow>(ROWS);
    const outbox = await connection.query<{ untold: number }>('SELECT count(*)::int AS untold FROM outbox');
    return { rows: byId(rows), untold: outbox.rows[0]?.untold ?? 0 };
  });
}

export async function ordersOf(pool: pg.Pool, ids: string[]): Promise<Map<string, OrderRow>> {
  return byId((await pool.query<OrderRow>(`${ROWS} WHERE id = ANY($1::uuid[])`, [ids])).rows);
}

const byId = (rows: OrderRow[]) => new Map(rows.map((row) => [row.id, row]));

const LIVE = new Set(['placed', 'held', 'confirmed']);
export const isLive = (order: OrderRow) => LIVE.has(order.status);
export const isEnded = (order: OrderRow) => !isLive(order);
export const isUnfinished = (order: OrderRow) => order.status === 'placed' || order.open;

export function orderChecks(saleId: string, orders: OrderRow[]): Check[] {
  const firstOf = new Map<string, string>();
  const live = orders.filter(isLive);
  for (const { buyerId, id } of live) if (!firstOf.has(buyerId)) firstOf.set(buyerId, id);
  return [
    each(
      'orders: one live order a buyer',
      saleId,
      live,
      (o) => firstOf.get(o.buyerId) === o.id,
      (o) => o.id,
    ),
  ];
}
