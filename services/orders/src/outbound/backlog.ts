// The work that waits in the orders database, for the gauges: three statements, each bounded and by an index.
import { ORDER_EVENTS, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { type Pool, statement } from '@flashsale/runtime/postgres';
import type { Backlog } from '../metrics.ts';

/** A scrape must cost little however much waits: more rows are not read. */
const MOST = 10_000;

const secondsSince = (instant: string) => `coalesce(extract(epoch FROM now() - ${instant}), 0)::float8`;

// By the partial index orders_by_deadline, which has the undecided orders only.
const UNDECIDED = statement(
  'orders.count_undecided',
  `SELECT count(*) FILTER (WHERE status = 'placed') AS placed, count(*) FILTER (WHERE unpaid) AS unpaid,
     count(*) FILTER (WHERE pay_requested) AS due,
     ${secondsSince('min(touched_at) FILTER (WHERE NOT unpaid)')} AS "oldestSeconds"
   FROM (
     SELECT status, pay_requested, touched_at, status = 'reserved' AND NOT pay_requested AS unpaid
     FROM orders WHERE decided_at IS NULL ORDER BY deadline LIMIT ${MOST}) AS undecided`,
);
// By the partial index orders_compensation_pending.
const COMPENSATIONS = statement(
  'orders.count_compensations',
  `SELECT count(*) AS pending
   FROM (SELECT FROM orders WHERE compensation_pending ORDER BY touched_at LIMIT ${MOST}) AS pending`,
);
const OUTBOX = statement(
  'orders.count_outgoing',
  `SELECT exchange, waiting, "oldestSeconds" FROM unnest($1::text[]) AS relayed (exchange), LATERAL (
     SELECT count(*) AS waiting, ${secondsSince('min(created_at)')} AS "oldestSeconds"
     FROM (
       SELECT created_at FROM outbox WHERE outbox.exchange = relayed.exchange ORDER BY id LIMIT ${MOST}) AS first
   ) AS counted`,
);

type Undecided = Backlog['undecided'] & { oldestSeconds: number };
type Outgoing = { exchange: string; waiting: number; oldestSeconds: number };

export async function readBacklog(pool: Pool): Promise<Backlog> {
  const [undecided, compensations, outbox] = await Promise.all([
    pool.query<Undecided>(UNDECIDED),
    pool.query<{ pending: number }>(COMPENSATIONS),
    pool.query<Outgoing>(OUTBOX, [[PAYMENTS_DUE.exchange, ORDER_EVENTS]]),
  ]);
  const { oldestSeconds = 0, placed = 0, unpaid = 0, due = 0 } = undecided.rows[0] ?? {};
  const byExchange = (field: 'waiting' | 'oldestSeconds') =>
    Object.fromEntries(outbox.rows.map((row) => [row.exchange, row[field]]));
  return {
    undecided: { placed, unpaid, due },
    undecidedOldestSeconds: oldestSeconds,
    compensationsPending: compensations.rows[0]?.pending ?? 0,
    outbox: byExchange('waiting'),
    outboxOldestSeconds: byExchange('oldestSeconds'),
  };
}
