import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { seriesValue } from '../../../infra/testbed/metrics.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { ConfigError } from '../src/config.ts';
import { createLog } from '../src/log.ts';
import { createPool, inTransaction, migrate, statement } from '../src/postgres.ts';

const namespace = await openNamespace();
after(() => namespace.close());
const url = namespace.databases.orders;
const log = createLog('test', 'silent');

async function openPool(t: TestContext) {
  const [wire, registry] = [await layWire(url), new Registry()];
  const pool = createPool(wire.url, log, registry);
  t.after(async () => {
    await pool.end();
    await wire.close();
  });
  return { pool, wire, registry };
}

test('five processes that migrate at once apply each migration once, in order', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, '001_things.sql'), '-- Up Migration\nCREATE TABLE things (id int);');
  writeFileSync(join(folder, '002_a_thing.sql'), '-- Up Migration\nINSERT INTO things VALUES (1);');
  await Promise.all(Array.from({ length: 5 }, () => migrate(url, folder, log)));
  writeFileSync(join(folder, '003_another.sql'), '-- Up Migration\nINSERT INTO things VALUES (2);');
  await Promise.all(Array.from({ length: 5 }, () => migrate(url, folder, log)));
  const { pool } = await openPool(t);
  assert.deepEqual((await pool.query('SELECT id FROM things ORDER BY id')).rows, [{ id: 1 }, { id: 2 }]);
});

test('a database with a migration that is not known here is refused in one sentence, before anything is applied', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { pool } = await openPool(t);
  await pool.query('DROP TABLE IF EXISTS migrations');
  writeFileSync(join(folder, '001_one.sql'), '-- Up Migration\nCREATE TABLE one (id int);');
  writeFileSync(join(folder, '002_two.sql'), '-- Up Migration\nCREATE TABLE two (id int);');
  await migrate(url, folder, log);
  rmSync(join(folder, '001_one.sql'));
  writeFileSync(join(folder, '003_three.sql'), '-- Up Migration\nCREATE TABLE three (id int);');
  await assert.rejects(migrate(url, folder, log), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(
      error.message,
      `The database "orders_${namespace.id}" was made by another edition of this project ` +
        '(migration 001_one is not known here); start with an empty database.',
    );
    return true;
  });
  assert.equal((await pool.query(`SELECT to_regclass('three') AS three`)).rows[0].three, null);
});

test('a statement is prepared once on a connection, under its name, in a transaction or not', async (t) => {
  const pool = createPool(url, log, new Registry(), { max: 1 });
  t.after(() => pool.end());
  const echo = statement('test.echo', 'SELECT $1::int AS n');
  const runs = [
    ...[1, 2].map((n) => pool.query(echo, [n])),
    inTransaction(pool, (connection) => connection.query(echo, [3])),
  ];
  assert.deepEqual(
    (await Promise.all(runs)).map(({ rows }) => rows[0].n),
    [1, 2, 3],
  );
  const { rows } = await pool.query(
    'SELECT name, statement, (generic_plans + custom_plans)::int AS runs FROM pg_prepared_statements',
  );
  assert.deepEqual(rows, [{ name: 'test.echo', statement: echo.text, runs: 3 }]);
});

test('two statements cannot have one name, not even with one text', () => {
  const once = statement('test.once', 'SELECT 1');
  assert.throws(() => statement(once.name, 'SELECT 2'), /two statements have the name test\.once/);
  assert.throws(() => statement(once.name, once.text), /two statements have the name test\.once/);
});

test('a pool is as large as its setting', async (t) => {
  const pool = createPool(url, log, new Registry(), { max: 2 });
  t.after(() => pool.end());
  const taken = [await pool.connect(), await pool.connect()];
  await assert.rejects(pool.connect(), /timeout/);
  for (const connection of taken) connection.release();
});

test('a migration that fails leaves nothing of itself, and says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { pool } = await openPool(t);
  await pool.query('DROP TABLE IF EXISTS migrations');
  writeFileSync(join(folder, '001_half.sql'), '-- Up Migration\nCREATE TABLE half (id int);\nSELECT 1 / 0;');
  await assert.rejects(migrate(url, folder, log), /division by zero/);
  assert.equal((await pool.query(`SELECT to_regclass('half') AS half`)).rows[0].half, null);
});

test('a transaction that ends well is committed, and one whose work throws leaves nothing', async (t) => {
  const { pool } = await openPool(t);
  await pool.query('CREATE TABLE notes (text text)');
  const add = (text: string, then?: () => never) =>
    inTransaction(pool, async (connection) => {
      await connection.query('INSERT INTO notes VALUES ($1)', [text]);
      then?.();
      return text.length;
    });
  assert.equal(await add('kept'), 4);
  const bug = new Error('a bug');
  await assert.rejects(
    add('lost', () => {
      throw bug;
    }),
    bug,
  );
  await assert.rejects(
    inTransaction(pool, (connection) => connection.query('SELECT 1 / 0')),
    /division by zero/,
  );
  assert.deepEqual((await pool.query('SELECT text FROM notes')).rows, [{ text: 'kept' }]);
});

test('connections in use and requests that wait for one are counted by pool, and transactions by result', async (t) => {
  const registry = new Registry();
  const pools = ['main', 'second'].map((name) => createPool(url, log, registry, { name, max: 1 }));
  t.after(() => Promise.all(pools.map((pool) => pool.end())));
  const [pool] = pools as [(typeof pools)[number]];
  const of = (name: string, label: string) => seriesValue(registry, `db_${name}{${label}}`);
  const usage = () => Promise.all([of('pool_in_use', 'pool="main"'), of('pool_waiting', 'pool="main"')]);
  const ended = (result: string) => of('transaction_seconds_count', `result="${result}"`);
  assert.deepEqual([...(await usage()), await ended('committed'), await ended('failed')], [0, 0, 0, 0]);
  const connection = await pool.connect();
  const waiting = inTransaction(pool, (own) => own.query('SELECT 1'));
  assert.deepEqual(await usage(), [1, 1]);
  connection.release();
  await waiting;
  await assert.rejects(inTransaction(pool, (own) => own.query('SELECT 1 / 0')));
  await until('the pool is at rest', async () => (await usage()).every((count) => count === 0));
  assert.deepEqual([await ended('committed'), await ended('failed')], [1, 1]);
  assert.equal(await of('pool_in_use', 'pool="second"'), 0);
});

test('many transactions that fail leave the pool whole', async (t) => {
  const { pool } = await openPool(t);
  const failing = Array.from({ length: 40 }, () =>
    assert.rejects(inTransaction(pool, (connection) => connection.query('SELECT 1 / 0'))),
  );
  await Promise.all(failing);
  assert.equal(await inTransaction(pool, async (connection) => (await connection.query('SELECT 7 AS n')).rows[0].n), 7);
});

test('a connection that breaks, in use or idle, fails its work alone; the next works', async (t) => {
  const { pool, wire } = await openPool(t);
  await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 2')]);
  const sleeping = assert.rejects(inTransaction(pool, (connection) => connection.query('SELECT pg_sleep(30)')));
  await until('it sleeps', () => pool.totalCount - pool.idleCount === 1);
  wire.cut();
  await sleeping;
  await until('the pool works', async () => (await pool.query('SELECT 3 AS n')).rows[0].n === 3);
});

test('a database that stops responding fails a query in a bounded time', async (t) => {
  const { pool, wire } = await openPool(t);
  await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 2')]);
  wire.loseResponses(true);
  await Promise.all([
    assert.rejects(pool.query('SELECT 3'), /timeout|terminated/),
    assert.rejects(
      inTransaction(pool, (connection) => connection.query('SELECT 4')),
      /timeout|terminated/,
    ),
  ]);
  wire.loseResponses(false);
  await until('the pool works', async () => (await pool.query('SELECT 5 AS n')).rows[0].n === 5);
});

test('sums and counts are numbers', async (t) => {
  const { pool } = await openPool(t);
  const { rows } = await pool.query(
    'SELECT count(*) AS count, 9007199254740991::bigint AS most FROM (SELECT 1) AS one',
  );
  assert.deepEqual(rows, [{ count: 1, most: Number.MAX_SAFE_INTEGER }]);
});
