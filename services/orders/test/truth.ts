// What the stores say of a sale, and what must be so once everything has come to rest.
import assert from 'node:assert/strict';
import { until } from '../../../infra/until.ts';
import type { Sale, Town } from './town.ts';

export interface Row {
  orderId: string;
  buyerId: string;
  quantity: number;
  status: string;
  reason: string | null;
  open: boolean;
  version: number;
}

const ROWS = `SELECT id AS "orderId", buyer_id AS "buyerId", quantity, status, reason, open, version
  FROM orders WHERE sale_id = $1 ORDER BY id`;
const OUTBOX = 'SELECT count(*)::int AS waiting FROM outbox JOIN orders ON orders.id = order_id WHERE sale_id = $1';
const UNITS = 'SELECT order_id AS "orderId", quantity, state FROM reservations WHERE sale_id = $1';
const STOCK = 'SELECT initial, available, held, sold FROM sales WHERE id = $1';

export async function rowsOf(town: Town, sale: Sale): Promise<Row[]> {
  return (await town.databases.orders.query<Row>(ROWS, [sale.saleId])).rows;
}

export async function rowOf(town: Town, sale: Sale, orderId: string): Promise<Row | undefined> {
  return (await rowsOf(town, sale)).find((row) => row.orderId === orderId);
}

/** By order: held, sold, released, refused. */
export async function unitsOf(town: Town, sale: Sale): Promise<Map<string, string>> {
  const { rows } = await town.databases.inventory.query<{ orderId: string; state: string }>(UNITS, [sale.saleId]);
  return new Map(rows.map(({ orderId, state }) => [orderId, state]));
}

export async function stockOf(town: Town, sale: Sale) {
  return (await town.databases.inventory.query(STOCK, [sale.saleId])).rows[0];
}

/** By order: captured, declined, reversed, as the bank's own statement has it. */
export async function moneyOf(town: Town): Promise<Map<string, string>> {
  const { charges } = await town.bank.statement();
  assert.equal(new Set(charges.map(({ key }) => key)).size, charges.length, 'one line for each key');
  return new Map(charges.map(({ key, status }) => [key, status]));
}

/** Waits until so many orders of this sale are final; then every store must say the same. Answers each order's end. */
export async function atRest(town: Town, sale: Sale, howMany: number): Promise<Record<string, string>> {
  const rows = await until('every order of the sale is decided, closed and told', async () => {
    const rows = await rowsOf(town, sale);
    const { waiting } = (await town.databases.orders.query(OUTBOX, [sale.saleId])).rows[0];
    const final = rows.every((row) => row.status !== 'placed' && !row.open);
    return rows.length >= howMany && final && waiting === 0 && rows;
  });
  assert.equal(rows.length, howMany);
  const units = await unitsOf(town, sale);
  const { initial, ...stock } = await stockOf(town, sale);
  const sold = rows.reduce((sum, row) => sum + (row.status === 'confirmed' ? row.quantity : 0), 0);
  assert.deepEqual(stock, { available: initial - sold, held: 0, sold });
  const money = await until('no money stays that must not', async () => {
    const money = await moneyOf(town);
    return rows.every((row) => row.status === 'confirmed' || money.get(row.orderId) !== 'captured') && money;
  });
  for (const { orderId, status } of rows) {
    const confirmed = status === 'confirmed';
    assert.equal(units.get(orderId) === 'sold', confirmed, `unit of a ${status} order: ${units.get(orderId)}`);
    assert.equal(money.get(orderId) === 'captured', confirmed, `money of a ${status} order: ${money.get(orderId)}`);
    await until('its event has come', () => town.broker.eventsOf(orderId).length > 0);
    const told = new Set(town.broker.eventsOf(orderId).map((event) => `${event.status} in version ${event.version}`));
    assert.equal(told.size, 1, `one event, not ${[...told].join(', ')}`);
    assert.equal(town.broker.eventsOf(orderId)[0]?.status, status);
  }
  return Object.fromEntries(rows.map((row) => [row.orderId, row.reason ?? row.status]));
}
