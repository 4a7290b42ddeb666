// For the audit's own tests: stores with one sale in which all is well, and hands to spoil them with. No service runs here.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { keyOf } from '@flashsale/contracts/gate';
import { mintId } from '@flashsale/contracts/ids';
import { createLog } from '@flashsale/runtime/log';
import { migrate } from '@flashsale/runtime/postgres';
import type { BankCharge, Statement } from '../clients/bank.ts';
import { openNamespace } from '../native/namespace.ts';
import { audit } from './audit.ts';
import { openStores, type Stores } from './stores.ts';

const PRICE = 4_900;

export type World = Awaited<ReturnType<typeof openWorld>>;

export async function openWorld() {
  const namespace = await openNamespace();
  for (const service of ['orders', 'inventory', 'payment'] as const) {
    const folder = fileURLToPath(new URL(`../../services/${service}/migrations`, import.meta.url));
    await migrate(namespace.databases[service], folder, createLog('audit', 'silent'));
  }
  const statement: Statement = { charges: [], line: { waiting: 0, inProgress: 0 } };
  const bank = createServer((_request, response) => response.end(JSON.stringify(statement)));
  await new Promise<void>((resolve) => bank.listen(0, '127.0.0.1', resolve));
  const bankUrl = `http://127.0.0.1:${(bank.address() as AddressInfo).port}`;
  const stores = openStores({ ...namespace, bankUrl, bankApiKey: 'none' });
  await stores.redis.connect();
  return {
    stores,
    /** For the command. */
    env: {
      REDIS_URL: namespace.redisUrl,
      ORDERS_DATABASE_URL: namespace.databases.orders,
      INVENTORY_DATABASE_URL: namespace.databases.inventory,
      PAYMENT_DATABASE_URL: namespace.databases.payment,
      BANK_URL: bankUrl,
      BANK_API_KEY: 'none',
    },
    /** Empties everything and makes a new sale. */
    sale: () => createSale(stores, statement),
    /** The names of the lines that do not hold. */
    async failing(atRest: boolean): Promise<string[]> {
      const { checks } = await audit(stores, { atRest, patienceMs: 0 });
      return checks.filter((check) => !check.ok).map((check) => check.name);
    },
    async close() {
      await stores.close();
      bank.close();
      await namespace.close();
    },
  };
}

const SALE = `INSERT INTO sales (id, sku, title, amount_minor, currency, initial, available, sold, opens_at, closes_at,
  per_buyer_limit, mode, checkout, decide_within_seconds, epoch) VALUES ($1, 'sku', 'a sale', $2, 'EUR', 10, 7, 3,
  now(), now() + interval '1 day', 2, 'queued', 'instant', 600, 1)`;

export type Sale = Awaited<ReturnType<typeof createSale>>;

/** Ten units: `one` bought one, `two` bought two, `declined` was declined, `lost` was given up before it arrived. */
async function createSale(stores: Stores, statement: Statement) {
  await stores.orders.query('TRUNCATE orders, outbox');
  await stores.inventory.query('TRUNCATE sales, reservations');
  await stores.payment.query('TRUNCATE charges');
  const old = await stores.redis.keys('sale:*');
  if (old.length) await stores.redis.del(old);
  Object.assign(statement, { charges: [], line: { waiting: 0, inProgress: 0 } });

  const saleId = randomUUID();
  const hands = handsOn(stores, statement, saleId);
  await stores.inventory.query(SALE, [saleId, PRICE]);
  await hands.setGate({ epoch: 1, supply: 10, rev: 1, tickets: 7 });
  const one = await hands.sell('one', 1);
  const two = await hands.sell('two', 2);
  const declined = await hands.addOrder('declined', 1, 'rejected');
  await hands.addReservation(declined, 'declined', 1, 'released');
  await hands.addCharge(declined, 'declined');
  const lost = await hands.addOrder('lost', 1, 'cancelled');
  return { stores, statement, saleId, one, two, declined, lost, ...hands };
}

function handsOn({ redis, orders, inventory, payment }: Stores, statement: Statement, saleId: string) {
  const key = (part: string) => keyOf(saleId, part);
  const hands = {
    key,
    setGate: (fields: object) => redis.hset(key('gate'), fields),
    async addRecord(orderId: string, buyerId: string, quantity: number, state: string) {
      await redis.hset(key('orders'), orderId, JSON.stringify({ state, claimed: false, quantity, buyerId }));
      await redis.hset(key('buyers'), buyerId, orderId);
    },
    async addOrder(buyerId: string, quantity: number, status: string, decideWithin = '10 minutes') {
      const orderId = mintId();
      const columns = '(id, sale_id, buyer_id, quantity, epoch, status, decide_by, version)';
      const values = [orderId, saleId, buyerId, quantity, status, decideWithin];
      await orders.query(
        `INSERT INTO orders ${columns} VALUES ($1, $2, $3, $4, 1, $5, now() + $6::interval, 2)`,
        values,
      );
      return orderId;
    },
    addReservation(...[orderId, buyerId, quantity, state]: [string, string, number, string]) {
      const columns = '(order_id, sale_id, buyer_id, quantity, state)';
      const values = [orderId, saleId, buyerId, quantity, state];
      return inventory.query(`INSERT INTO reservations ${columns} VALUES ($1, $2, $3, $4, $5)`, values);
    },
    addCharge: (orderId: string, state: string) =>
      payment.query(`INSERT INTO charges (order_id, amount_minor, currency, state) VALUES ($1, $2, 'EUR', $3)`, [
        orderId,
        PRICE,
        state,
      ]),
    addLine: (key: string, amountMinor: number) => statement.charges.push(line(key, amountMinor)),
    async sell(buyerId: string, quantity: number) {
      const orderId = await hands.addOrder(buyerId, quantity, 'confirmed');
      await hands.addRecord(orderId, buyerId, quantity, 'sold');
      await hands.addReservation(orderId, buyerId, quantity, 'sold');
      await hands.addCharge(orderId, 'captured');
      hands.addLine(orderId, quantity * PRICE);
      return orderId;
    },
    /** To the columns of the sale: `{ available: -1, held: 1 }`. */
    move: (counts: Record<string, number>) =>
      inventory.query(
        `UPDATE sales SET ${Object.entries(counts).map(([column, by]) => `${column} = ${column} + ${by}`)}`,
      ),
  };
  return hands;
}

const line = (key: string, amountMinor: number): BankCharge => ({
  key,
  status: 'captured',
  amountMinor,
  currency: 'EUR',
  startedAtMs: 0,
  finishedAtMs: 0,
});
