// Sales in Postgres.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import { type Connection, inTransaction, type Pool, statement } from '@flashsale/runtime/postgres';
import type { Sales } from '../domain/ports.ts';

const unixMs = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;

export const SALE = `id, sku, title, json_build_object('amountMinor', amount_minor, 'currency', currency) AS price,
  stock, available, held, sold, ${unixMs('opens_at')} AS "opensAtMs", ${unixMs('closes_at')} AS "closesAtMs",
  per_buyer_limit AS "perBuyerLimit", mode, checkout, hold_seconds AS "holdSeconds",
  decide_within_seconds AS "decideWithinSeconds", closed, epoch, revision`;

export function createSales(pool: Pool): Sales {
  return {
    create: (sale) => insertSale(pool, sale),
    find: async (saleId) => (await pool.query<Sale>(FIND_SALE, [saleId])).rows[0],
    list: async () => (await pool.query<Sale>(LIST_SALES)).rows,
    change: (saleId, rule) =>
      inTransaction(pool, async (connection) => {
        const sale = await lockSale(connection, saleId);
        const changed = sale && rule(sale);
        if (changed && 'sale' in changed) await updateSale(connection, changed.sale);
        return changed;
      }),
  };
}

const FIND_SALE = statement('inventory.find_sale', `SELECT ${SALE} FROM sales WHERE id = $1`);
const LIST_SALES = statement('inventory.list_sales', `SELECT ${SALE} FROM sales ORDER BY created_at DESC, id DESC`);

const INSERT_SALE = statement(
  'inventory.insert_sale',
  `INSERT INTO sales (id, sku, title, amount_minor, currency, stock, available, opens_at, closes_at,
     per_buyer_limit, mode, checkout, hold_seconds, decide_within_seconds)
   VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13)
   ON CONFLICT (id) DO NOTHING`,
);

async function insertSale(pool: Pool, sale: NewSale): Promise<void> {
  await pool.query(INSERT_SALE, [
    ...[sale.id, sale.sku, sale.title, sale.price.amountMinor, sale.price.currency, sale.stock],
    ...[new Date(sale.opensAtMs), new Date(sale.closesAtMs), sale.perBuyerLimit, sale.mode, sale.checkout],
    ...[sale.holdSeconds, sale.decideWithinSeconds],
  ]);
}

const LOCK_SALE = statement('inventory.lock_sale', `SELECT ${SALE} FROM sales WHERE id = $1 FOR UPDATE`);

export const lockSale = async (connection: Connection, saleId: string): Promise<Sale | undefined> =>
  (await connection.query<Sale>(LOCK_SALE, [saleId])).rows[0];

const UPDATE_SALE = statement(
  'inventory.update_sale',
  `UPDATE sales SET stock = $2, available = available + $2 - stock, closed = $3, opens_at = $4, closes_at = $5,
     revision = $6 WHERE id = $1`,
);

async function updateSale(connection: Connection, sale: Sale): Promise<void> {
  const [opensAt, closesAt] = [new Date(sale.opensAtMs), new Date(sale.closesAtMs)];
  await connection.query(UPDATE_SALE, [sale.id, sale.stock, sale.closed, opensAt, closesAt, sale.revision]);
}
