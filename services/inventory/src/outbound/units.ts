// The units of all open sales, for the gauges.
import { type Pool, statement } from '@flashsale/runtime/postgres';
import type { Units } from '../metrics.ts';

// Reads the whole table, a row for each sale, as every gateway does each second to list them.
const SUM_UNITS = statement(
  'inventory.sum_units',
  `SELECT coalesce(sum(available), 0) AS available, coalesce(sum(held), 0) AS held, coalesce(sum(sold), 0) AS sold
   FROM sales WHERE NOT closed AND now() >= opens_at AND now() < closes_at`,
);

export async function readUnits(pool: Pool): Promise<Units> {
  const { rows } = await pool.query<Units>(SUM_UNITS);
  return rows[0] ?? { available: 0, held: 0, sold: 0 };
}
