// How fast a line is worked off that grew while the orders service was away.
import { lineOf, untilWorkedOff } from './line.ts';
import type { Venue } from './venue.ts';

export interface Drain {
  perSecond: number;
  orders: number;
  seconds: number;
}

const WORK = `SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  (extract(epoch FROM max(decided_at) - min(created_at)))::float AS seconds FROM orders WHERE sale_id = $1`;

/** From the first row to the last decision, by the database's clock: the starting of the process is no part of it. */
export async function drain(venue: Venue, saleId: string): Promise<Drain> {
  const waiting = await lineOf(venue, saleId);
  await venue.orders.start();
  await untilWorkedOff(venue, saleId);
  const { rows } = await venue.stores.orders.query(WORK, [saleId]);
  const { orders, confirmed, seconds } = rows[0];
  if (orders < waiting || confirmed !== orders)
    throw new Error(`of ${waiting} queued orders ${orders} arrived and ${confirmed} were confirmed`);
  return { perSecond: orders / seconds, orders, seconds };
}
