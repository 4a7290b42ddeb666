// The ledger in Postgres. Every change of a sale or its reservations takes the sale's lock first, then those of known
// orders by id, then inserts by id: so waiting never goes in a circle.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import { type Connection, inTransaction, type Pool, type Statement, statement } from '@flashsale/runtime/postgres';
import { type Item, movement, type Remembered, type Reservation } from '../domain/allocate.ts';
import type { Ledger as WholeLedger } from '../domain/ports.ts';

type Ledger = Omit<WholeLedger, 'reopen'>;

export const SALE = `id, sku, title, amount_minor AS "amountMinor", currency, stock, available, held, sold,
  opens_at AS "opensAt", closes_at AS "closesAt", per_buyer_limit AS "perBuyerLimit", mode, checkout,
  hold_seconds AS "holdSeconds", decide_within_seconds AS "decideWithinSeconds", closed, epoch, revision`;
const UNIQUE_VIOLATION = '23505';
const RESERVATION = 'order_id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, state, reason';

export function createLedger(pool: Pool): Ledger {
  return {
    create: (sale) => insertSale(pool, sale),
    find: async (saleId) => (await selectSales(pool, FIND_SALE, [saleId]))[0],
    list: () => selectSales(pool, LIST_SALES),
    change: (saleId, rule) => inTransaction(pool, (connection) => change(connection, saleId, rule)),
    holdAll: (saleId, epoch, items) => holdAll(pool, saleId, epoch, items),
    sellHeld: (orderIds) => sellHeld(pool, orderIds),
    salesOf: (orderIds) => selectSalesOf(pool, orderIds),
    decide: (saleId, orderIds, rule) =>
      untilAlone(() => inTransaction(pool, (connection) => decide(connection, saleId, orderIds, rule))),
  };
}

const change: Within<'change'> = async (connection, saleId, rule) => {
  const sale = await lockSale(connection, saleId);
  const changed = sale && rule(sale);
  if (changed && 'sale' in changed) await updateSale(connection, changed.sale);
  return changed;
};

const decide: Within<'decide'> = async (connection, saleId, orderIds, rule) => {
  const sale = await lockSale(connection, saleId);
  const remembered = await lockReservations(connection, orderIds);
  const changes = rule(sale, remembered);
  const isKnown = ({ orderId }: Reservation) => (remembered.has(orderId) ? 'known' : 'fresh');
  const { fresh, known } = Object.groupBy(changes, isKnown);
  if (sale) await moveStock(connection, sale, movement(remembered, changes));
  if (fresh) await insertReservations(connection, fresh);
  if (known) await updateStates(connection, known);
  return { sale, remembered: new Map([...remembered, ...byOrder(changes)]) };
};

/** Orders of a sale that does not exist have no common lock; the second look finds what the other call wrote. */
async function untilAlone<T>(work: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const met = (error as { code?: string }).code === UNIQUE_VIOLATION;
    if (!met || attempts === 1) throw error;
    return untilAlone(work, attempts - 1);
  }
}

/** The sale's row is locked by the update, and for no longer than this one statement. */
const HOLD_ALL = statement(
  'inventory.hold_all',
  `WITH item AS (SELECT * FROM unnest($3::uuid[], $4::text[], $5::int[]) AS item (order_id, buyer_id, quantity)),
   taken AS (
     UPDATE sales SET available = available - total, held = held + total
     FROM (SELECT sum(quantity) AS total FROM item) AS asked
     WHERE id = $1 AND epoch = $2 AND available >= total
       AND NOT EXISTS (SELECT 1 FROM reservations WHERE order_id = ANY ($3))
     RETURNING sales.*
   ),
   kept AS (
     INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state)
     SELECT order_id, taken.id, buyer_id, quantity, 'held' FROM item, taken ORDER BY order_id
   )
   SELECT ${SALE} FROM taken`,
);

async function holdAll(pool: Pool, saleId: string, epoch: number, items: Item[]): Promise<Sale | undefined> {
  const { orderIds, buyerIds, quantities } = columnsOf(items);
  try {
    const { rows } = await pool.query(HOLD_ALL, [saleId, epoch, orderIds, buyerIds, quantities]);
    return rows.map(toSale)[0];
  } catch (error) {
    // Another call wrote one of these orders while this one waited for the sale: nothing of this was kept.
    if ((error as { code?: string }).code === UNIQUE_VIOLATION) return undefined;
    throw error;
  }
}

/** The count makes the sales be locked first; their ids as a condition could be planned as a scan of all their reservations. */
const SELL_HELD = statement(
  'inventory.sell_held',
  `WITH sale AS (
     SELECT id FROM sales WHERE id IN (SELECT sale_id FROM reservations WHERE order_id = ANY ($1)) ORDER BY id FOR UPDATE
   ),
   mine AS (
     SELECT * FROM reservations
     WHERE order_id = ANY ($1) AND state = 'held' AND (SELECT count(*) FROM sale) > 0 ORDER BY order_id FOR UPDATE
   ),
   changed AS (
     UPDATE reservations SET state = 'sold' FROM mine WHERE reservations.order_id = mine.order_id
   ),
   moved AS (
     UPDATE sales SET held = held - total, sold = sold + total
     FROM (SELECT sale_id, sum(quantity) AS total FROM mine GROUP BY sale_id) AS sum WHERE id = sale_id
   )
   SELECT order_id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, 'sold' AS state, reason FROM mine`,
);

const sellHeld = async (pool: Pool, orderIds: string[]): Promise<Remembered> =>
  byOrder((await pool.query<Reservation>(SELL_HELD, [orderIds])).rows);

const columnsOf = (items: Item[]) => ({
  orderIds: items.map(({ orderId }) => orderId),
  buyerIds: items.map(({ buyerId }) => buyerId),
  quantities: items.map(({ quantity }) => quantity),
});

type SaleRow = Omit<Sale, 'price' | 'opensAtMs' | 'closesAtMs'> & Sale['price'] & { opensAt: Date; closesAt: Date };
/** A call of the ledger inside its transaction. */
type Within<Call extends keyof Ledger> = (
  connection: Connection,
  ...asked: Parameters<Ledger[Call]>
) => ReturnType<Ledger[Call]>;
type Asker = Pick<Connection, 'query'>;

const INSERT_SALE = statement(
  'inventory.insert_sale',
  `INSERT INTO sales (id, sku, title, amount_minor, currency, stock, available, opens_at, closes_at,
     per_buyer_limit, mode, checkout, hold_seconds, decide_within_seconds)
   VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13)
   ON CONFLICT (id) DO NOTHING`,
);

async function insertSale(asker: Asker, sale: NewSale): Promise<void> {
  await asker.query(INSERT_SALE, [
    ...[sale.id, sale.sku, sale.title, sale.price.amountMinor, sale.price.currency, sale.stock],
    ...[new Date(sale.opensAtMs), new Date(sale.closesAtMs), sale.perBuyerLimit, sale.mode, sale.checkout],
    ...[sale.holdSeconds, sale.decideWithinSeconds],
  ]);
}

const FIND_SALE = statement('inventory.find_sale', `SELECT ${SALE} FROM sales WHERE id = $1`);
const LIST_SALES = statement('inventory.list_sales', `SELECT ${SALE} FROM sales ORDER BY created_at DESC, id DESC`);
const LOCK_SALE = statement('inventory.lock_sale', `SELECT ${SALE} FROM sales WHERE id = $1 FOR UPDATE`);

const selectSales = async (asker: Asker, select: Statement, values: unknown[] = []): Promise<Sale[]> =>
  (await asker.query(select, values)).rows.map(toSale);

const lockSale = async (connection: Connection, saleId: string): Promise<Sale | undefined> =>
  (await selectSales(connection, LOCK_SALE, [saleId]))[0];

const UPDATE_SALE = statement(
  'inventory.update_sale',
  `UPDATE sales SET stock = $2, available = available + $2 - stock, closed = $3, opens_at = $4, closes_at = $5,
     revision = $6 WHERE id = $1`,
);

async function updateSale(connection: Connection, sale: Sale): Promise<void> {
  const [opensAt, closesAt] = [new Date(sale.opensAtMs), new Date(sale.closesAtMs)];
  await connection.query(UPDATE_SALE, [sale.id, sale.stock, sale.closed, opensAt, closesAt, sale.revision]);
}

/** The conditions hold already, under the lock; they and the table's CHECKs guard against a mistake in the rules above. */
const MOVE_STOCK = statement(
  'inventory.move_stock',
  `UPDATE sales SET available = available - $2::int, held = held + $3::int, sold = sold + $4::int
   WHERE id = $1 AND epoch = $5 AND available >= $2::int`,
);

async function moveStock(connection: Connection, sale: Sale, by: { held: number; sold: number }): Promise<void> {
  if (by.held === 0 && by.sold === 0) return;
  const values = [sale.id, by.held + by.sold, by.held, by.sold, sale.epoch];
  const { rowCount } = await connection.query(MOVE_STOCK, values);
  if (rowCount !== 1) throw new Error(`sale ${sale.id} changed under its lock`);
}

const FIND_RESERVATIONS = statement(
  'inventory.find_reservations',
  `SELECT ${RESERVATION} FROM reservations WHERE order_id = ANY ($1)`,
);

async function selectSalesOf(asker: Asker, orderIds: string[]): Promise<ReadonlyMap<string, string>> {
  if (orderIds.length === 0) return new Map();
  const { rows } = await asker.query(FIND_RESERVATIONS, [orderIds]);
  return new Map(rows.map(({ orderId, saleId }) => [orderId, saleId]));
}

const LOCK_RESERVATIONS = statement(
  'inventory.lock_reservations',
  `SELECT ${RESERVATION} FROM reservations WHERE order_id = ANY ($1) ORDER BY order_id FOR UPDATE`,
);

const lockReservations = async (connection: Connection, orderIds: string[]): Promise<Remembered> =>
  byOrder((await connection.query<Reservation>(LOCK_RESERVATIONS, [orderIds])).rows);

const INSERT_RESERVATIONS = statement(
  'inventory.insert_reservations',
  `INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state, reason)
   SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[]) ORDER BY 1`,
);

async function insertReservations(connection: Connection, reservations: Reservation[]): Promise<void> {
  const column = (name: keyof Reservation) => reservations.map((reservation) => reservation[name]);
  const order = [column('orderId'), column('saleId'), column('buyerId'), column('quantity')];
  await connection.query(INSERT_RESERVATIONS, [...order, column('state'), column('reason')]);
}

const UPDATE_STATES = statement(
  'inventory.update_states',
  `UPDATE reservations SET state = changed.state
   FROM unnest($1::uuid[], $2::text[]) AS changed (order_id, state) WHERE reservations.order_id = changed.order_id`,
);

async function updateStates(connection: Connection, reservations: Reservation[]): Promise<void> {
  const orderIds = reservations.map(({ orderId }) => orderId);
  await connection.query(UPDATE_STATES, [orderIds, reservations.map(({ state }) => state)]);
}

const byOrder = (reservations: Reservation[]) => new Map(reservations.map((each) => [each.orderId, each]));

export function toSale({ amountMinor, currency, opensAt, closesAt, ...row }: SaleRow): Sale {
  return { ...row, price: { amountMinor, currency }, opensAtMs: opensAt.getTime(), closesAtMs: closesAt.getTime() };
}
