// The contents of the stores for a sale, and what must be so once everything has come to rest.
import assert from 'node:assert/strict';
import type { Stores } from '../../../infra/audit/stores.ts';
import { until } from '../../../infra/until.ts';
import type { Broker } from './broker.ts';
import type { OpenSale } from './environment.ts';

interface Row {
  orderId: string;
  buyerId: string;
  quantity: number;
  status: string;
  reason: string | null;
  payRequested: boolean;
  compensationPending: boolean;
  refund: string;
  version: number;
}

const ROWS = `SELECT id AS "orderId", buyer_id AS "buyerId", quantity, status, reason, pay_requested AS "payRequested",
  compensation_pending AS "compensationPending", refund, version FROM orders WHERE sale_id = $1 ORDER BY id`;
const OUTBOX = 'SELECT count(*)::int AS waiting FROM outbox JOIN orders ON orders.id = order_id WHERE sale_id = $1';
const UNITS = 'SELECT order_id AS "orderId", quantity, state FROM reservations WHERE sale_id = $1';
const STOCK = 'SELECT stock, available, held, sold FROM sales WHERE id = $1';

export function readStores({ orders, inventory, bank }: Stores, broker: Broker) {
  const rowsOf = async ({ id: saleId }: OpenSale) => (await orders.query<Row>(ROWS, [saleId])).rows;

  /** By order: held, sold, released, refused. */
  async function unitsOf({ id: saleId }: OpenSale): Promise<Map<string, string>> {
    const { rows } = await inventory.query<{ orderId: string; state: string }>(UNITS, [saleId]);
    return new Map(rows.map(({ orderId, state }) => [orderId, state]));
  }

  const stockOf = async ({ id: saleId }: OpenSale) => (await inventory.query(STOCK, [saleId])).rows[0];

  /** By order: captured, declined, reversed, as the bank's own statement has it. */
  async function moneyOf(): Promise<Map<string, string>> {
    const { charges } = await bank.statement();
    assert.equal(new Set(charges.map(({ key }) => key)).size, charges.length, 'one charge for each key');
    return new Map(charges.map(({ key, status }) => [key, status]));
  }

  /** Waits until so many orders of this sale are final; then all stores must agree. Resolves with each order's end. */
  async function atRest(sale: OpenSale, howMany: number): Promise<Record<string, string>> {
    const rows = await until('every order of the sale is final and its messages are published', async () => {
      const rows = await rowsOf(sale);
      const { waiting } = (await orders.query(OUTBOX, [sale.id])).rows[0];
      const final = rows.every((row) => !['placed', 'reserved'].includes(row.status) && !row.compensationPending);
      return rows.length >= howMany && final && waiting === 0 && rows;
    });
    assert.equal(rows.length, howMany);
    const units = await unitsOf(sale);
    const { stock, ...counters } = await stockOf(sale);
    const sold = rows.reduce((sum, row) => sum + (row.status === 'confirmed' ? row.quantity : 0), 0);
    assert.deepEqual(counters, { available: stock - sold, held: 0, sold });
    const money = await until('no money stays that must not', async () => {
      const money = await moneyOf();
      return rows.every((row) => row.status === 'confirmed' || money.get(row.orderId) !== 'captured') && money;
    });
    for (const { orderId, status } of rows) {
      const confirmed = status === 'confirmed';
      assert.equal(units.get(orderId) === 'sold', confirmed, `unit of a ${status} order: ${units.get(orderId)}`);
      assert.equal(money.get(orderId) === 'captured', confirmed, `money of a ${status} order: ${money.get(orderId)}`);
      await until('its event has come', () => broker.eventsOf(orderId).some((event) => event.status === status));
      const finals = broker.eventsOf(orderId).filter((event) => event.status === status);
      const versions = new Set(finals.map(({ version, refund }) => `${version}, refund ${refund}`));
      assert.ok(versions.size > 0, `an event says ${status}`);
      // An owed refund that is done has an event of its own.
      assert.ok(versions.size <= (finals.some(({ refund }) => refund === 'owed') ? 2 : 1), [...versions].join('; '));
    }
    return Object.fromEntries(rows.map((row) => [row.orderId, row.reason ?? row.status]));
  }

  return {
    rowsOf,
    rowOf: async (sale: OpenSale, orderId: string) => (await rowsOf(sale)).find((row) => row.orderId === orderId),
    unitsOf,
    stockOf,
    moneyOf,
    atRest,
  };
}
