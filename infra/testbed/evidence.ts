// The contents of all stores, for tests which claim that something happened once, or not at all.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PROBE_KEY } from '@flashsale/contracts/keys';
import { audit } from '../audit/audit.ts';
import { findGates, readGate } from '../audit/gate.ts';
import { describeShortly } from '../audit/print.ts';
import type { Order } from '../audit/reading.ts';
import { type Database, openStores, type StoreAddresses } from '../audit/stores.ts';

type OrderOf = Pick<Order, 'orderId' | 'buyerId' | 'status'> & { reason: string | null };

const ORDERS = `SELECT id AS "orderId", buyer_id AS "buyerId", status, reason FROM orders
  WHERE buyer_id = ANY($1) ORDER BY id`;
const RESERVATIONS = 'SELECT buyer_id AS "buyerId", state FROM reservations WHERE buyer_id = ANY($1) ORDER BY order_id';
const CHARGES = 'SELECT order_id AS "orderId", state FROM charges WHERE order_id = ANY($1::uuid[])';

const digest = (content: string | Buffer) => createHash('sha1').update(content).digest('hex').slice(0, 12);

export async function openEvidence(addresses: StoreAddresses) {
  const stores = openStores(addresses);
  await stores.redis.connect();
  const gate = (saleId: string) => readGate(stores.redis, saleId);
  const ordersOf = async (...buyerIds: string[]) => (await stores.orders.query<OrderOf>(ORDERS, [buyerIds])).rows;

  return {
    stores,
    ordersOf,
    gate,
    close: stores.close,

    /** By buyer, in words: `ticket`, `order confirmed`, `unit sold`, `charge captured`; `{}` when no store has any. */
    async tracesOf(...buyerIds: string[]): Promise<Record<string, string[]>> {
      const traces: Record<string, string[]> = {};
      const note = (buyerId: string, what: string) => {
        traces[buyerId] = [...(traces[buyerId] ?? []), what];
      };
      for (const saleId of await findGates(stores.redis)) {
        const { buyers, records } = await gate(saleId);
        for (const buyerId of buyerIds) if (buyers.has(buyerId)) note(buyerId, 'ticket');
        for (const { buyerId, orderId } of records.values())
          if (buyerIds.includes(buyerId) && buyers.get(buyerId) !== orderId) note(buyerId, 'record without ticket');
      }
      const orders = await ordersOf(...buyerIds);
      for (const { buyerId, status } of orders) note(buyerId, `order ${status}`);
      const buyerOf = new Map(orders.map(({ orderId, buyerId }) => [orderId, buyerId]));
      const { rows: units } = await stores.inventory.query(RESERVATIONS, [buyerIds]);
      for (const { buyerId, state } of units) note(buyerId, `unit ${state}`);
      const { rows: charges } = await stores.payment.query(CHARGES, [[...buyerOf.keys()]]);
      for (const { orderId, state } of charges) note(buyerOf.get(orderId) as string, `charge ${state}`);
      return traces;
    },

    /** Waits until nothing is pending and every check of the audit holds. */
    async atRest(deadlineMs = 30_000): Promise<void> {
      const result = await audit(stores, { atRest: true, withinMs: deadlineMs });
      assert.ok(result.ok, describeShortly(result).join('\n'));
    },

    /** Equal before and after an action that must write nothing; a difference names its place. */
    async fingerprint(): Promise<Record<string, string>> {
      // A gateway's probe writes a key that lives for a second.
      const keys = (await stores.redis.keys('*')).filter((key) => key !== PROBE_KEY).sort();
      const dumped = keys.map(async (key) => [key, digest((await stores.redis.dumpBuffer(key)) ?? '')]);
      const table = async (database: Database, name: string) => {
        const { rows } = await stores[database].query(`SELECT * FROM ${name} ORDER BY 1`);
        return [name, `${rows.length} rows, ${digest(JSON.stringify(rows))}`];
      };
      const tables = [table('orders', 'orders'), table('orders', 'outbox'), table('payment', 'charges')];
      const sales = [table('inventory', 'sales'), table('inventory', 'reservations')];
      const { charges } = await stores.bank.statement();
      const read = await Promise.all([...dumped, ...tables, ...sales]);
      return Object.fromEntries([...read, ['bank', `${charges.length} charges`]]);
    },
  };
}
