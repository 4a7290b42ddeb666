// Reopen at Postgres: the compare-and-set of the epoch, and a snapshot of that instant, read page by page.
import type { Sale } from '@flashsale/contracts/sale';
import { type Connection, type Pool, statement } from '@flashsale/runtime/postgres';
import type { Reopen, Reopened, Taken } from '../domain/ports.ts';
import { SALE } from './ledger.ts';

const MOST_AT_ONCE = 4;
/** A writer and a reader each: with fewer, each of four writers could wait for a reader. */
export const REOPEN_CONNECTIONS = 2 * MOST_AT_ONCE;
const PAGE = 1_000;

export function createReopening(pool: Pool, { dampingMs }: { dampingMs: number }): Reopen {
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

/** Before any lock is taken, so that no lock is held while a call waits for a connection. */
async function connectTwice(pool: Pool): Promise<[Connection, Connection]> {
  const writer = await pool.connect();
  try {
    return [writer, await pool.connect()];
  } catch (error) {
    writer.release();
    throw error;
  }
}

/** The first opening, at epoch 0, never waits. */
const RAISE_EPOCH = statement(
  'inventory.raise_epoch',
  `UPDATE sales SET epoch = greatest(epoch, $3::int) + 1, reopened_at = now()
   WHERE id = $1 AND epoch = $2 AND (epoch = 0 OR reopened_at < now() - $4 * interval '1 millisecond')
   RETURNING ${SALE}`,
);

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
  const { rows } = await writer.query<Sale>(RAISE_EPOCH, [saleId, expected, ofGate, dampingMs]);
  if (rows.length > 0) await whileLocked();
  await writer.query('COMMIT');
  return rows[0];
}

const DECLARE_TAKEN = statement(
  'inventory.declare_taken',
  `DECLARE taken NO SCROLL CURSOR FOR
   SELECT order_id AS "orderId", buyer_id AS "buyerId", quantity
   FROM reservations WHERE sale_id = $1 AND state IN ('held', 'sold')`,
);
const FETCH_TAKEN = `FETCH ${PAGE} FROM taken`;

/** Declaring the cursor takes the snapshot; reading it comes later. */
async function openSnapshot(reader: Connection, saleId: string): Promise<void> {
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await reader.query(DECLARE_TAKEN, [saleId]);
}

async function* pagesOf(reader: Connection): AsyncGenerator<Taken[]> {
  for (;;) {
    const { rows } = await reader.query<Taken>(FETCH_TAKEN);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
  }
}

/** Does not throw: the pages have been read, or nothing more of them is needed. */
async function endSnapshot(reader: Connection): Promise<void> {
  await reader.query('ROLLBACK').then(
    () => reader.release(),
    () => reader.release(true),
  );
}
