// What became of a sale's orders, read where they are decided.
import { setTimeout as sleep } from 'node:timers/promises';
import { mintedAt } from '@flashsale/contracts/ids';
import type pg from 'pg';
import type { Order } from '../../infra/clients/shop.ts';
import { isFinal } from '../figures/figures.ts';

const AGAIN_MS = 200;

const ORDERS = `SELECT id AS "orderId", status, extract(epoch FROM decided_at) * 1000 AS "decidedAt"
  FROM orders WHERE sale_id = $1`;

/** Until each order that a buyer was told of is final, or the time is up. */
export async function untilDecided(
  database: pg.Pool,
  { saleId, asked, withinMs }: { saleId: string; asked: string[]; withinMs: number },
): Promise<void> {
  for (const giveUpAt = Date.now() + withinMs; ; await sleep(AGAIN_MS)) {
    const orders = await ordersOf(database, saleId);
    const open = asked.some((orderId) => !isFinal(orders.get(orderId)));
    if (!open || Date.now() > giveUpAt) return;
  }
}

export async function ordersOf(database: pg.Pool, saleId: string): Promise<Map<string, Order>> {
  const { rows } = await database.query<Omit<Order, 'createdAt'>>(ORDERS, [saleId]);
  return new Map(
    rows.map(({ orderId, status, decidedAt }) => [
      orderId,
      { orderId, status, createdAt: mintedAt(orderId) ?? 0, decidedAt: decidedAt === null ? null : Number(decidedAt) },
    ]),
  );
}
