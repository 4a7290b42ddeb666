// A pool, named statements, transactions and numbered SQL migrations.
import { readdirSync } from 'node:fs';
import type { Histogram, Registry } from '@prometheus-io/client';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { ConfigError } from './config.ts';
import type { Log } from './log.ts';
import { poolMetrics } from './metrics.ts';

// Counts and amounts in minor units stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export type Pool = pg.Pool & { readonly transactionSeconds: Histogram<'result'> };
export type Connection = pg.PoolClient;

const MOST_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** A silent database does not even report that a statement took too long. */
const RESPONSE_TIMEOUT_MS = 12_000;

export function createPool(
  databaseUrl: string,
  log: Log,
  registry: Registry,
  { name = 'main', max = MOST_CONNECTIONS } = {},
): Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    // Statements that need not wait for each other's results are sent together; each still has its turn.
    pipeline: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: RESPONSE_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  });
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ error: error.message }, 'an idle database connection broke'));
  // The pool does not listen to one that is in use: its query rejects.
  pool.on('connect', (connection) => connection.on('error', () => undefined));
  const { inUse, waiting, transactionSeconds } = poolMetrics(registry);
  inUse.add(name, () => pool.totalCount - pool.idleCount);
  waiting.add(name, () => pool.waitingCount);
  for (const result of ['committed', 'failed']) transactionSeconds.zero({ result });
  return Object.assign(pool, { transactionSeconds });
}

export interface Statement {
  name: string;
  text: string;
}

const names = new Set<string>();

/**
 * For a constant of a module, run by `query(STATEMENT, values)`: each connection prepares it once, because planning a
 * small statement costs more than running it. pg would refuse a second text of one name only on a connection that has
 * run the first; refused here, the mistake does not get past the first start.
 */
export function statement(name: string, text: string): Statement {
  if (names.has(name)) throw new Error(`two statements have the name ${name}`);
  names.add(name);
  return { name, text };
}

/** For `unready`: what is missing while the database does not respond. */
export const unreachable = (pool: Pool): Promise<string[]> =>
  pool.query('SELECT 1').then(
    () => [],
    () => ['postgres'],
  );

/** Commits what `work` did, or nothing of it. */
export async function inTransaction<T>(pool: Pool, work: (connection: Connection) => Promise<T>): Promise<T> {
  const end = pool.transactionSeconds.startTimer();
  try {
    const result = await commit(await pool.connect(), work);
    end({ result: 'committed' });
    return result;
  } catch (error) {
    end({ result: 'failed' });
    throw error;
  }
}

async function commit<T>(connection: Connection, work: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    const [, result] = await Promise.all([connection.query('BEGIN'), work(connection)]);
    await connection.query('COMMIT');
    connection.release();
    return result;
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined);
    connection.release(error instanceof Error ? error : true);
    throw error;
  }
}

/**
 * Applies what is missing; processes that start at once wait for each other on an advisory lock. Throws a ConfigError,
 * before anything is applied, for a database that has a migration which this folder does not have.
 */
export async function migrate(databaseUrl: string, folder: string, log: Log): Promise<void> {
  await refuseOtherEdition(databaseUrl, folder);
  const done = await runner({
    databaseUrl,
    dir: folder,
    direction: 'up',
    migrationsTable: 'migrations',
    advisoryLockMode: 'wait',
    log: () => undefined,
  });
  if (done.length) log.info({ migrations: done.map((migration) => migration.name) }, 'migrated');
}

async function refuseOtherEdition(databaseUrl: string, folder: string): Promise<void> {
  const known = readdirSync(folder).map((file) => file.replace(/\.sql$/, ''));
  const unknown = (await appliedTo(databaseUrl)).find((name) => !known.includes(name));
  if (!unknown) return;
  const database = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  throw new ConfigError(
    `The database "${database}" was made by another edition of this project ` +
      `(migration ${unknown} is not known here); start with an empty database.`,
  );
}

async function appliedTo(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const table = await client.query("SELECT to_regclass('migrations') AS name");
    if (!table.rows[0].name) return [];
    const applied = await client.query<{ name: string }>('SELECT name FROM migrations');
    return applied.rows.map(({ name }) => name).toSorted();
  } finally {
    await client.end();
  }
}
