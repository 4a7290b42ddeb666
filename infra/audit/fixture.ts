// A sale in stores of the test's own, in which all is well: tests spoil one store at a time. No service runs here.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { mintId } from '@flashsale/contracts/fields';
import { type GateKey, keyOf } from '@flashsale/contracts/keys';
import { createLog } from '@flashsale/runtime/log';
import { migrate } from '@flashsale/runtime/postgres';
import type { Statement } from '../clients/bank.ts';
import { ROOT } from '../native/leftovers.ts';
import { openNamespace } from '../native/namespace.ts';
import { openStores, type QueueLength } from './stores.ts';

export const PRICE = 4_900;
const idle = (): Statement => ({ charges: [], queue: { waiting: 0, inProgress: 0 } });

export type Fixture = Awaited<ReturnType<typeof openFixture>>;
export type TestSale = Awaited<ReturnType<Fixture['openSale']>>;

export async function openFixture() {
  await using opening = new AsyncDisposableStack();
  const namespace = opening.adopt(await openNamespace(), (it) => it.close());
  for (const service of ['orders', 'inventory', 'payment'] as const) {
    const folder = join(ROOT, 'services', service, 'migrations');
    await migrate(namespace.databases[service], folder, createLog('audit', 'silent'));
  }
  const bank = { statement: idle() };
  const server = createServer((_request, response) => response.end(JSON.stringify(bank.statement)));
  opening.defer(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const addresses = {
    redisUrl: namespace.redisUrl,
    databases: namespace.databases,
    bankUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bankApiKey: 'none',
  };
  const queues: QueueLength[] = [];
  const stores = { ...openStores(addresses), queueLengths: async () => queues };
  opening.defer(() => stores.close());
  await stores.redis.connect();
  const open = opening.move();

  /** Ten units at PRICE: `one` bought one, `two` bought two, `declined` was declined, `lost` was given up early. */
  async function openSale() {
    await stores.orders.query('TRUNCATE orders, outbox');
    await stores.inventory.query('TRUNCATE sales, reservations');
    await stores.payment.query('TRUNCATE charges');
    const old = await stores.redis.keys('sale:*');
    if (old.length) await stores.redis.del(old);
    bank.statement = idle();
    queues.length = 0;

    const tools = toolsFor(randomUUID());
    await tools.addSale(10, { available: 7, sold: 3 });
    const one = await tools.sell('one', 1);
    const two = await tools.sell('two', 2);
    const declined = await tools.addOrder('declined', 1, 'rejected', { payRequested: true });
    await tools.addReservation(declined, 'declined', 1, 'released');
    await tools.addCharge(declined, 'declined');
    const lost = await tools.addOrder('lost', 1, 'cancelled');
    return { one, two, declined, lost, ...tools };
  }

  function toolsFor(saleId: string) {
    const key = (name: GateKey) => keyOf(saleId, name);
    const setGate = (fields: object) => stores.redis.hset(key('gate'), fields);
    const tools = {
      saleId,
      key,
      setGate,
      async addSale(stock: number, { available, sold }: { available: number; sold: number }) {
        await stores.inventory.query(
          `INSERT INTO sales (id, sku, title, amount_minor, currency, stock, available, sold, opens_at, closes_at,
             per_buyer_limit, mode, checkout, decide_within_seconds, epoch)
           VALUES ($1, 'sku', 'a sale', $2, 'EUR', $3, $4, $5, now() - interval '1 hour', now() + interval '1 day', 2,
             'queued', 'instant', 600, 1)`,
          [saleId, PRICE, stock, available, sold],
        );
        const [, history] = /master_replid:(\w+)/.exec(await stores.redis.info('replication')) ?? [];
        await setGate({ epoch: 1, history, stock, rev: 1, tickets: available });
      },
      async addRecord(orderId: string, buyerId: string, quantity: number, state: string, command?: object) {
        const record = { state, claimed: false, attempts: 0, quantity, buyerId, ...(command && { command }) };
        await stores.redis.hset(key('orders'), orderId, JSON.stringify(record));
        await stores.redis.hset(key('buyers'), buyerId, orderId);
        if (state !== 'sold') await stores.redis.zadd(key(state as GateKey), Date.now(), orderId);
      },
      /** `deadline` from now; `reserved` and `confirmed` have their price. */
      async addOrder(
        buyerId: string,
        quantity: number,
        status: string,
        row: { deadline?: string; payRequested?: boolean } = {},
      ) {
        const orderId = mintId();
        const { deadline = '10 minutes', payRequested = status === 'confirmed' } = row;
        await stores.orders.query(
          `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, mode, status, pay_requested, deadline, version,
             amount_minor, currency, decided_at)
           VALUES ($1, $2, $3, $4, 1, 'queued', $5, $6, now() + $7::interval, 2, $8, 'EUR',
             CASE WHEN $5 IN ('placed', 'reserved') THEN NULL ELSE now() END)`,
          [orderId, saleId, buyerId, quantity, status, payRequested, deadline, quantity * PRICE],
        );
        return orderId;
      },
      addReservation: (orderId: string, buyerId: string, quantity: number, state: string) =>
        stores.inventory.query(
          'INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state) VALUES ($1, $2, $3, $4, $5)',
          [orderId, saleId, buyerId, quantity, state],
        ),
      addCharge: (orderId: string, state: string, age = '0 s') =>
        stores.payment.query(
          `INSERT INTO charges (order_id, amount_minor, currency, state, reverse_at, updated_at)
           VALUES ($1, $2, 'EUR', $3, CASE WHEN $3 = 'reversing' THEN now() END, now() - $4::interval)`,
          [orderId, PRICE, state, age],
        ),
      addOutboxRow: (orderId: string, age = '0 s') =>
        stores.orders.query(
          `INSERT INTO outbox (exchange, routing_key, order_id, payload, created_at)
           VALUES ('order-events', 'order.confirmed', $1, '{}', now() - $2::interval)`,
          [orderId, age],
        ),
      setOrder: (orderId: string, assignments: string) =>
        stores.orders.query(`UPDATE orders SET ${assignments} WHERE id = $1`, [orderId]),
      setReservation: (orderId: string, state: string) =>
        stores.inventory.query('UPDATE reservations SET state = $2 WHERE order_id = $1', [orderId, state]),
      setCharge: (orderId: string, state: string) =>
        stores.payment.query(
          `UPDATE charges SET state = $2, reverse_at = CASE WHEN $2 = 'reversing' THEN now() END WHERE order_id = $1`,
          [orderId, state],
        ),
      atTheBank(orderId: string, status: Statement['charges'][0]['status'], amountMinor = PRICE) {
        const times = { startedAtMs: 0, finishedAtMs: 0 };
        bank.statement.charges.push({ key: orderId, status, amountMinor, currency: 'EUR', ...times });
      },
      /** Adds to columns of the sale: `{ available: -1, held: 1 }`. */
      move(counts: Record<string, number>) {
        const changes = Object.entries(counts).map(([column, by]) => `${column} = ${column} + ${by}`);
        return stores.inventory.query(`UPDATE sales SET ${changes}`);
      },
      async sell(buyerId: string, quantity: number) {
        const orderId = await tools.addOrder(buyerId, quantity, 'confirmed');
        await tools.addRecord(orderId, buyerId, quantity, 'sold');
        await tools.addReservation(orderId, buyerId, quantity, 'sold');
        await tools.addCharge(orderId, 'captured');
        tools.atTheBank(orderId, 'captured', quantity * PRICE);
        return orderId;
      },
      /** A reserved order of one unit, in every store; unpaid unless `payRequested`. */
      async hold(buyerId: string, { payRequested = false, deadline = '10 minutes' } = {}) {
        const orderId = await tools.addOrder(buyerId, 1, 'reserved', { payRequested, deadline });
        await tools.addRecord(orderId, buyerId, 1, 'sent');
        await tools.addReservation(orderId, buyerId, 1, 'held');
        await tools.move({ available: -1, held: 1 });
        await stores.redis.hincrby(key('gate'), 'tickets', -1);
        return orderId;
      },
      /** A confirmed order that the admin cancelled and whose money is back. */
      async refund(orderId: string, buyerId: string) {
        await tools.setOrder(orderId, `status = 'cancelled', refund = 'done'`);
        await tools.setReservation(orderId, 'released');
        await tools.setCharge(orderId, 'reversed');
        for (const charge of bank.statement.charges) if (charge.key === orderId) charge.status = 'reversed';
        await stores.redis.hdel(key('orders'), orderId);
        await stores.redis.hdel(key('buyers'), buyerId);
        await tools.move({ available: 1, sold: -1 });
        await stores.redis.hincrby(key('gate'), 'tickets', 1);
      },
    };
    return tools;
  }

  return { stores, addresses, bank, queues, openSale, close: () => open.disposeAsync() };
}
