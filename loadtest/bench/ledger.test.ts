// Reference (c) writes what one confirmed order writes, no more and no less: Postgres itself counts the rows.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { findServers } from '../../infra/native/find-servers.ts';
import { openShop } from '../../infra/testbed/shop.ts';
import { until } from '../../infra/until.ts';
import { layLedger, parsePgbench } from './ledger.ts';

const CLIENTS = 8;
const TABLES = ['charges', 'orders', 'outbox', 'reservations', 'sales'];
const skip = findServers().pgbench ? false : 'no pgbench here';
const shop = await openShop();
after(() => shop.close());
// In a database where no service writes to a table of that schema.
const database = shop.namespace.databases.payment;
const ledger = await layLedger(database);

type Writes = Record<string, { inserted: number; updated: number; deleted: number }>;

const COUNTS = `SELECT relname AS name, n_tup_ins::int AS inserted, n_tup_upd::int AS updated, n_tup_del::int AS deleted
  FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY($2)`;

/** By everybody so far: a connection tells what it wrote at the latest when it ends, so they are all ended first. */
async function writesIn(database: string, schema = 'public'): Promise<Writes> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  try {
    const { rows: ended } = await client.query(`SELECT pid, pg_terminate_backend(pid) ${others}`);
    const pids = ended.map(({ pid }) => pid);
    const left = async () => (await client.query(`SELECT count(*)::int ${others} AND pid = ANY($1)`, [pids])).rows[0];
    await until('those connections have ended', async () => (await left()).count === 0);
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
  const saleId = await shop.createSale({ mode: 'queued', stock: CLIENTS });
  const before = await writesOfShop();
  for (let i = 0; i < CLIENTS; i++) {
    const { orderId = '' } = await shop.buy(saleId, `buyer-${i}`);
    assert.equal((await shop.final(orderId, `buyer-${i}`)).status, 'confirmed');
  }
  await shop.evidence.atRest();
  const ofOrders = difference(await writesOfShop(), before);
  assert.deepEqual(Object.keys(ofOrders).sort(), TABLES);

  assert.deepEqual(ofOrders.outbox, { inserted: CLIENTS, updated: 0, deleted: CLIENTS });

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
  const said = `number of clients: 8
number of transactions actually processed: 14456
number of failed transactions: 0 (0.000%)
latency average = 5.533 ms
tps = 1445.753215 (without initial connection time)`;
  assert.deepEqual(parsePgbench(said), { transactions: 14_456, perSecond: 1_445.753215 });
  assert.throws(() => parsePgbench(said.replace('transactions: 0', 'transactions: 3')), /no figure/);
  assert.throws(() => parsePgbench(said.replace('tps', 'TPS')), /no figure/);
});
