// Inventory by itself: sales and reservations in one snapshot.
import type pg from 'pg';
import { type Check, equal } from './check.ts';
import { inSnapshot } from './stores.ts';

export interface Sale {
  id: string;
  title: string;
  initial: number;
  available: number;
  held: number;
  sold: number;
  epoch: number;
  revision: number;
  amountMinor: number;
  currency: string;
}

export interface Reservation {
  orderId: string;
  saleId: string;
  quantity: number;
  state: 'held' | 'sold' | 'released' | 'refused';
}

export interface Inventory {
  sales: Map<string, Sale>;
  reservations: Map<string, Reservation>;
}

const SALES = `SELECT id, title, initial, available, held, sold, epoch, revision,
  amount_minor::float8 AS "amountMinor", currency FROM sales ORDER BY created_at, id`;
const RESERVATIONS = 'SELECT order_id AS "orderId", sale_id AS "saleId", quantity, state FROM reservations';

export function readInventory(pool: pg.Pool): Promise<Inventory> {
  return inSnapshot(pool, async (connection) => {
    const sales = await connection.query<Sale>(SALES);
    const reservations = await connection.query<Reservation>(RESERVATIONS);
    return {
      sales: new Map(sales.rows.map((sale) => [sale.id, sale])),
      reservations: new Map(reservations.rows.map((reservation) => [reservation.orderId, reservation])),
    };
  });
}

export async function findSales(pool: pg.Pool): Promise<string[]> {
  return (await pool.query<{ id: string }>('SELECT id FROM sales')).rows.map(({ id }) => id);
}

export async function reservationsOf(pool: pg.Pool, orderIds: string[]): Promise<Map<string, Reservation>> {
  const { rows } = await pool.query<Reservation>(`${RESERVATIONS} WHERE order_id = ANY($1::uuid[])`, [orderIds]);
  return new Map(rows.map((row) => [row.orderId, row]));
}

export const isTaken = ({ state }: Reservation) => state === 'held' || state === 'sold';

export function inventoryChecks({ id, initial, available, held, sold }: Sale, reservations: Reservation[]): Check[] {
  const units = (state: Reservation['state']) =>
    reservations.reduce((sum, reservation) => sum + (reservation.state === state ? reservation.quantity : 0), 0);
  return [
    equal('inventory: initial = available + held + sold', id, initial, available, held, sold),
    equal('inventory: held = units of held reservations', id, held, units('held')),
    equal('inventory: sold = units of sold reservations', id, sold, units('sold')),
  ];
}
