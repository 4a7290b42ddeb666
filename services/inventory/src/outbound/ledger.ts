// Sales and their reservations in Postgres. Every decision takes the sale's lock first, then those of known orders by
// id, then inserts by id: so waiting never goes in a circle.
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import { type Connection, inTransaction, type Pool, statement } from '@flashsale/runtime/postgres';
import { movement, type Remembered, type Reservation, type Rule } from '../domain/allocate.ts';
import type { Decided, Ledger } from '../domain/ports.ts';

const unixMs = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;

export const SALE = `id, sku, title, json_build_object('amountMinor', amount_minor, 'currency', currency) AS price,
  stock, available, held, sold, ${unixMs('opens_at')} AS "opensAtMs", ${unixMs('closes_at')} AS "closesAtMs",
  per_buyer_limit AS "perBuyerLimit", mode, checkout, hold_seconds AS "holdSeconds",
  decide_within_seconds AS "decideWithinSeconds", closed, epoch, revision`;

const RESERVATION = 'order_id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, state, reason';
const UNIQUE_VIOLATION = '23505';

export function createLedger(pool: Pool): Ledger {
  return {
    createSale: (sale) => insertSale(pool, sale),
    findSale: async (saleId) => (await pool.query<Sale>(FIND_SALE, [saleId])).rows[0],
    listSales: async () => (await pool.query<Sale>(LIST_SALES)).rows,
    changeSale: (saleId, rule) =>
      inTransaction(pool, async (connection) => {
        const sale = await lockSale(connection, saleId);
        const changed = sale && rule(sale);
        if (changed && 'sale' in changed) await updateSale(connection, changed.sale);
        return changed;
      }),
    salesOf: (orderIds) => findSalesOf(pool, orderIds),
    decide: (saleId, orderIds, rule) =>
      untilAlone(() => inTransaction(pool, (connection) => decide(connection, saleId, orderIds, rule))),
  };
}

async function decide(connection: Connection, saleId: string, orderIds: string[], rule: Rule): Promise<Decided> {
  const sale = await lockSale(connection, saleId);
  const remembered = await lockReservations(connection, orderIds);
  const changes = rule(sale, remembered);
  const isKnown = ({ orderId }: Reservation) => (remembered.has(orderId) ? 'known' : 'fresh');
  const { fresh, known } = Object.groupBy(changes, isKnown);
  if (sale) await moveStock(connection, sale, movement(remembered, changes));
  if (fresh) await insertReservations(connection, fresh);
  if (known) await updateStates(connection, known);
  return { sale, remembered: new Map([...remembered, ...byOrder(changes)]) };
}

/** Orders of a sale that does not exist have no common lock; the second attempt finds what the other call wrote. */
async function untilAlone<T>(work: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const met = (error as { code?: string }).code === UNIQUE_VIOLATION;
    if (!met || attempts === 1) throw error;
    return untilAlone(work, attempts - 1);
  }
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

const lockSale = async (connection: Connection, saleId: string): Promise<Sale | undefined> =>
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

const LOCK_RESERVATIONS = statement(
  'inventory.lock_reservations',
  `SELECT ${RESERVATION} FROM reservations WHERE order_id = ANY ($1) ORDER BY order_id FOR UPDATE`,
);

const lockReservations = async (connection: Connection, orderIds: string[]): Promise<Remembered> =>
  byOrder((await connection.query<Reservation>(LOCK_RESERVATIONS, [orderIds])).rows);

/** The conditions hold already, under the lock; they and the table's CHECKs guard against a mistake in the rules. */
const MOVE_STOCK = statement(
  'inventory.move_stock',
  `UPDATE sales SET available = available - $2::int - $3::int, held = held + $2::int, sold = sold + $3::int
   WHERE id = $1 AND epoch = $4 AND available >= $2::int + $3::int`,
);

async function moveStock(connection: Connection, sale: Sale, by: { held: number; sold: number }): Promise<void> {
  if (by.held === 0 && by.sold === 0) return;
  const { rowCount } = await connection.query(MOVE_STOCK, [sale.id, by.held, by.sold, sale.epoch]);
  if (rowCount !== 1) throw new Error(`sale ${sale.id} changed under its lock`);
}

const INSERT_RESERVATIONS = statement(
  'inventory.insert_reservations',
  `INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state, reason)
   SELECT order_id, sale_id, buyer_id, quantity, state, reason
   FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[])
     AS decided (order_id, sale_id, buyer_id, quantity, state, reason)
   ORDER BY order_id`,
);

async function insertReservations(connection: Connection, reservations: Reservation[]): Promise<void> {
  const column = (name: keyof Reservation) => reservations.map((reservation) => reservation[name]);
  const item = [column('orderId'), column('saleId'), column('buyerId'), column('quantity')];
  await connection.query(INSERT_RESERVATIONS, [...item, column('state'), column('reason')]);
}

const UPDATE_STATES = statement(
  'inventory.update_states',
  `UPDATE reservations SET state = decided.state
   FROM unnest($1::uuid[], $2::text[]) AS decided (order_id, state) WHERE reservations.order_id = decided.order_id`,
);

async function updateStates(connection: Connection, reservations: Reservation[]): Promise<void> {
  const orderIds = reservations.map(({ orderId }) => orderId);
  await connection.query(UPDATE_STATES, [orderIds, reservations.map(({ state }) => state)]);
}

const FIND_SALES_OF = statement(
  'inventory.find_sales_of',
  'SELECT order_id AS "orderId", sale_id AS "saleId" FROM reservations WHERE order_id = ANY ($1)',
);

async function findSalesOf(pool: Pool, orderIds: string[]): Promise<ReadonlyMap<string, string>> {
  if (orderIds.length === 0) return new Map();
  const { rows } = await pool.query<Pick<Reservation, 'orderId' | 'saleId'>>(FIND_SALES_OF, [orderIds]);
  return new Map(rows.map(({ orderId, saleId }) => [orderId, saleId]));
}

const byOrder = (reservations: Reservation[]): Remembered => new Map(reservations.map((each) => [each.orderId, each]));
