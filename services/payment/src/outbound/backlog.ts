// The reversals that are owed, for the gauges.
import { type Pool, statement } from '@flashsale/runtime/postgres';
import type { Backlog } from '../metrics.ts';

/** A scrape must cost little however much is owed: more rows are not read. */
const MOST = 10_000;

// By the partial index charges_reversing. `reverse_at` moves with each attempt, `updated_at` stays.
const REVERSALS = statement(
  'payment.count_reversals',
  `SELECT count(*) AS reversals,
     coalesce(extract(epoch FROM now() - min(updated_at)), 0)::float8 AS "reversalsOldestSeconds"
   FROM (SELECT updated_at FROM charges WHERE state = 'reversing' ORDER BY reverse_at LIMIT ${MOST}) AS owed`,
);

export async function readBacklog(pool: Pool): Promise<Backlog> {
  const { rows } = await pool.query<Backlog>(REVERSALS);
  return rows[0] ?? { reversals: 0, reversalsOldestSeconds: 0 };
}
