// Reopen at Postgres: the compare-and-set of the epoch, and a snapshot of that instant, read page by page.
import type { Sale } from '@flashsale/contracts/sale';
import type { Connection, Pool } from '@flashsale/runtime/postgres';
import type { Ledger, Reopened, Taken } from '../domain/ports.ts';
import { SALE, toSale } from './ledger.ts';

const MOST_AT_ONCE = 4;
/** A writer and a reader each: with fewer, each of four writers could wait for a reader. */
export const REOPEN_CONNECTIONS = 2 * MOST_AT_ONCE;
const PAGE = 1_000;

export function createReopening(pool: Pool, { dampingMs }: { dampingMs: number }): Ledger['reopen'] {
  let running = 0;
  return async (saleId, epochs) => {
    if (running >= MOST_AT_ONCE) return 'busy';
    running += 1;
    const end = () => {
      running -= 1;
    };
    try {
      const reopened = await reopen(pool, saleId, { ...epochs, dampingMs }, end);
      if (!reopened) end();
      return reopened ?? 'lost';
    } catch (error) {
      end();
      throw error;
    }
  };
}

interface Epochs {
  expected: number;
  ofGate: number;
  dampingMs: number;
}

async function reopen(pool: Pool, saleId: string, epochs: Epochs, end: () => void): Promise<Reopened | undefined> {
  const [writer, reader] = await connectTwice(pool);
  try {
    const sale = await raiseEpoch(writer, saleId, epochs, () => openSnapshot(reader, saleId));
    writer.release();
    if (!sale) reader.release();
    return sale && { sale, pages: () => pagesOf(reader), close: () => endSnapshot(reader).finally(end) };
  } catch (error) {
    // A connection is closed with its broken transaction, not reused.
    for (const connection of [writer, reader]) connection.release(true);
    throw error;
  }
}

/** Before any lock is taken, so that none is held while a connection is waited for. */
async function connectTwice(pool: Pool): Promise<[Connection, Connection]> {
  const writer = await pool.connect();
  try {
    return [writer, await pool.connect()];
  } catch (error) {
    writer.release();
    throw error;
  }
}

/**
 * Every call that changes the sale's reservations takes the lock of its row first. So a snapshot that is opened while
 * this transaction holds it has all that was done in the old epochs, and nothing that is done later.
 */
async function raiseEpoch(
  writer: Connection,
  saleId: string,
  { expected, ofGate, dampingMs }: Epochs,
  whileLocked: () => Promise<void>,
): Promise<Sale | undefined> {
  await writer.query('BEGIN');
  const { rows } = await writer.query(
    `UPDATE sales SET epoch = greatest(epoch, $3::int) + 1, reopened_at = now()
     WHERE id = $1 AND epoch = $2 AND (epoch = 0 OR reopened_at < now() - $4 * interval '1 millisecond')
     RETURNING ${SALE}`,
    [saleId, expected, ofGate, dampingMs],
  );
  if (rows.length > 0) await whileLocked();
  await writer.query('COMMIT');
  return rows.map(toSale)[0];
}

/** Declaring the cursor takes the snapshot; reading it comes later. */
async function openSnapshot(reader: Connection, saleId: string): Promise<void> {
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await reader.query(
    `DECLARE taken NO SCROLL CURSOR FOR
     SELECT order_id AS "orderId", buyer_id AS "buyerId", quantity
     FROM reservations WHERE sale_id = $1 AND state IN ('held', 'sold')`,
    [saleId],
  );
}

async function* pagesOf(reader: Connection): AsyncGenerator<Taken[]> {
  for (;;) {
    const { rows } = await reader.query<Taken>(`FETCH ${PAGE} FROM taken`);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
  }
}

/** Does not throw: the pages have been read, or are not wanted any more. */
async function endSnapshot(reader: Connection): Promise<void> {
  await reader.query('ROLLBACK').then(
    () => reader.release(),
    () => reader.release(true),
  );
}
