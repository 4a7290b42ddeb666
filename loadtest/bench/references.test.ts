// The references do the same work: the same bytes, the same gate and queue, the same rows.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { ORDERS_PLACED } from '@flashsale/contracts/topology';
import amqp, { type GetMessage } from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { readGate } from '../../infra/audit/gate.ts';
import { createTokens } from '../../infra/buyers/buyers.ts';
import { findServers } from '../../infra/native/find-servers.ts';
import { claim, LOCAL, removeDir } from '../../infra/native/leftovers.ts';
import { openNamespace } from '../../infra/native/namespace.ts';
import { openShop } from '../../infra/testbed/shop.ts';
import { until } from '../../infra/until.ts';
import { startReference } from './environment.ts';
import { layLedger, parsePgbench } from './ledger.ts';

const SECRETS = { buyer: 'a-secret-for-tests-only-0123456789-0123456789', admin: 'none' };
const FORGED = { ...SECRETS, buyer: SECRETS.buyer.toUpperCase() };
const SALE = '019ad000-0000-7000-8000-000000000001';
const dir = join(LOCAL, `references-${process.pid}`);
await claim(dir);
after(() => removeDir(dir));
const shop = await openShop();

/** The bytes of the response, but for the date; the connection stays open, as a client's of many requests does. */
function rawResponse(url: string): Promise<string> {
  const { port, pathname } = new URL(url);
  const request = `POST ${pathname} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(request));
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      text += chunk;
      if (!text.endsWith('}')) return;
      socket.destroy();
      resolve(text.replace(/^Date: .*$/m, 'Date:'));
    });
  });
}

test('reference (a) responds byte for byte as the gateway does for a sold-out sale', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  assert.equal((await shop.buy(saleId, 'first')).httpStatus, 202);
  const url = `${shop.services.gateway.url}/v1/sales/${saleId}/orders`;
  const ours = await until('the sale is sold out', async () => {
    const response = await rawResponse(url);
    return response.startsWith('HTTP/1.1 410 ') && response;
  });
  await using opened = new AsyncDisposableStack();
  const { gatewayUrl } = await startReference(opened, dir, 'refusal');
  assert.equal(await rawResponse(gatewayUrl), ours);
});

async function openAccept(t: TestContext) {
  const namespace = await openNamespace();
  t.after(namespace.close);
  const stores = { REDIS_URL: namespace.redisUrl, AMQP_URL: namespace.amqpUrl };
  const env = { ...stores, BUYER_TOKEN_SECRET: SECRETS.buyer, SALE_IDS: SALE };
  const opened = new AsyncDisposableStack();
  t.after(() => opened.disposeAsync());
  const { gatewayUrl } = await startReference(opened, dir, 'accept', env);
  const click = (buyer: string, tokenFor = createTokens(SECRETS)) =>
    fetch(`${gatewayUrl}/v1/sales/${SALE}/orders`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokenFor(buyer)}`, 'content-type': 'application/json' },
      body: '{}',
    });
  return { namespace, click };
}

test('reference (b) accepts a buyer once, and the order is in the gate and in the queue', async (t) => {
  const { namespace, click } = await openAccept(t);
  const yes = await click('alice');
  assert.equal(yes.status, 202);
  const { orderId, status } = (await yes.json()) as { orderId: string; status: string };
  assert.equal(status, 'queued');
  assert.equal(yes.headers.get('location'), `/v1/orders/${orderId}`);
  assert.equal((await click('alice')).status, 409);

  const redis = new Redis(namespace.redisUrl);
  t.after(() => redis.disconnect());
  const gate = await readGate(redis, SALE);
  assert.equal(gate.buyers.get('alice'), orderId);
  assert.equal(gate.records.get(orderId)?.state, 'unsent');
  const [message, ...others] = await takeAll(namespace.amqpUrl);
  assert.deepEqual(others, []);
  const { deadlineMs, ...command } = JSON.parse(message?.content.toString() ?? '');
  assert.deepEqual(command, { orderId, saleId: SALE, buyerId: 'alice', quantity: 1, epoch: 1, mode: 'queued' });
  assert.ok(deadlineMs > Date.now());
  assert.equal(message?.properties.deliveryMode, 2);
});

test('reference (b) admits no forged token', async (t) => {
  const { namespace, click } = await openAccept(t);
  assert.notEqual((await click('mallory', createTokens(FORGED))).status, 202);
  assert.deepEqual(await takeAll(namespace.amqpUrl), []);
});

/** The messages in the queue of orders; a yes was confirmed by the broker, so that none is in flight. */
async function takeAll(amqpUrl: string): Promise<GetMessage[]> {
  const connection = await amqp.connect(amqpUrl);
  const channel = await connection.createChannel();
  const taken: GetMessage[] = [];
  for (let next = await channel.get(ORDERS_PLACED.queue); next; next = await channel.get(ORDERS_PLACED.queue))
    taken.push(next);
  await connection.close();
  return taken;
}

const CLIENTS = 8;
const TABLES = ['charges', 'orders', 'outbox', 'reservations', 'sales'];
const skip = findServers().pgbench ? false : 'no pgbench here';
// The payment service writes to other tables of that database.
const database = shop.namespace.databases.payment;
const ledger = await layLedger(database);

type Writes = Record<string, { inserted: number; updated: number; deleted: number }>;

const COUNTS = `SELECT relname AS name, n_tup_ins::int AS inserted, n_tup_upd::int AS updated, n_tup_del::int AS deleted
  FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY($2)`;

/** Complete, since every other connection is ended first: a connection reports its writes at the latest then. */
async function writesIn(database: string, schema = 'public'): Promise<Writes> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  try {
    const { rows: ended } = await client.query(`SELECT pid, pg_terminate_backend(pid) ${others}`);
    const pids = ended.map(({ pid }) => pid);
    const remaining = async () =>
      (await client.query(`SELECT count(*)::int ${others} AND pid = ANY($1)`, [pids])).rows[0];
    await until('those connections have ended', async () => (await remaining()).count === 0);
    const { rows } = await client.query(COUNTS, [schema, TABLES]);
    return Object.fromEntries(rows.map(({ name, ...writes }) => [name, writes]));
  } finally {
    await client.end();
  }
}

async function writesOfShop(): Promise<Writes> {
  const { orders, inventory, payment } = shop.namespace.databases;
  return { ...(await writesIn(orders)), ...(await writesIn(inventory)), ...(await writesIn(payment)) };
}

function difference(after: Writes, before: Writes): Writes {
  const less = (name: string, writes: Writes[string]) => ({
    inserted: writes.inserted - (before[name]?.inserted ?? 0),
    updated: writes.updated - (before[name]?.updated ?? 0),
    deleted: writes.deleted - (before[name]?.deleted ?? 0),
  });
  return Object.fromEntries(Object.entries(after).map(([name, writes]) => [name, less(name, writes)]));
}

test('a transaction of pgbench writes the rows that a confirmed order writes', { skip }, async () => {
  await shop.evidence.atRest();
  const saleId = await shop.createSale({ mode: 'queued', stock: CLIENTS });
  const before = await writesOfShop();
  for (let i = 0; i < CLIENTS; i++) {
    const { orderId = '' } = await shop.buy(saleId, `buyer-${i}`);
    assert.equal((await shop.final(orderId, `buyer-${i}`)).status, 'confirmed');
  }
  await shop.evidence.atRest();
  const ofOrders = difference(await writesOfShop(), before);
  assert.deepEqual(Object.keys(ofOrders).sort(), TABLES);

  // The payment that is due, and the event.
  assert.deepEqual(ofOrders.outbox, { inserted: 2 * CLIENTS, updated: 0, deleted: 2 * CLIENTS });

  const laid = await writesIn(database, 'bench');
  const { transactions } = await ledger.run({ transactions: 1 }, AbortSignal.timeout(60_000));
  assert.equal(transactions, CLIENTS);
  const ofTransactions = difference(await writesIn(database, 'bench'), laid);
  assert.deepEqual(ofTransactions, ofOrders);
});

test('nothing in the tables of reference (c) refers to the row that all orders share', async () => {
  const { rows } = await shop.evidence.stores.payment.query(
    `SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'bench'::regnamespace`,
  );
  assert.deepEqual(rows, []);
});

test("pgbench's figures are read, and without them there is no figure", () => {
  const output = `number of clients: 8
number of transactions actually processed: 14456
number of failed transactions: 0 (0.000%)
latency average = 5.533 ms
tps = 1445.753215 (without initial connection time)`;
  assert.deepEqual(parsePgbench(output), { transactions: 14_456, perSecond: 1_445.753215 });
  assert.throws(() => parsePgbench(output.replace('transactions: 0', 'transactions: 3')), /no figure/);
  assert.throws(() => parsePgbench(output.replace('tps', 'TPS')), /no figure/);
});
