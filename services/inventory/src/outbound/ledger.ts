// The ledger in Postgres. Every change of a sale or its reservations takes the sale's lock first, then those of known
// orders by id, then inserts by id: so waiting never goes in a circle.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import { type Connection, inTransaction, type Pool, type Statement, statement } from '@flashsale/runtime/postgres';
import { movement, type Remembered, type Reservation } from '../domain/allocate.ts';
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

/** Statements that are sent together run in the order in which they are sent, and save round trips under the lock. */
const decide: Within<'decide'> = async (connection, saleId, orderIds, rule) => {
  const [sale, remembered] = await Promise.all([lockSale(connection, saleId), lockReservations(connection, orderIds)]);
  const changes = rule(sale, remembered);
  const isKnown = ({ orderId }: Reservation) => (remembered.has(orderId) ? 'known' : 'fresh');
  const { fresh, known } = Object.groupBy(changes, isKnown);
  await Promise.all([
    sale && moveStock(connection, sale, movement(remembered, changes)),
    fresh && insertReservations(connection, fresh),
    known && updateStates(connection, known),
  ]);
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
