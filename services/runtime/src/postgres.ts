// A pool, transactions and numbered SQL migrations.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { ConfigError } from './config.ts';
import type { Log } from './log.ts';

// Counts and amounts in minor units stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export type Pool = pg.Pool;
export type Connection = pg.PoolClient;

const MOST_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** A database that is gone without a word says nothing, not even that a statement took too long. */
const ANSWER_TIMEOUT_MS = 12_000;

export function createPool(databaseUrl: string, log: Log, max = MOST_CONNECTIONS): Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    // Statements that need not wait for each other's answers are sent together; each still has its turn.
    pipeline: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  });
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ error: error.message }, 'an idle database connection broke'));
  // The pool does not listen to one that is in use: its query fails and says so.
  pool.on('connect', (connection) => connection.on('error', () => undefined));
  // Each statement is planned once on each connection: for small ones planning costs more than running.
  pool.on('connect', prepareStatements);
  return pool;
}

const names = new Map<string, string>();

/**
 * Every statement with values goes under a name; the statements of a service are a fixed, small number of texts. The name
 * is a hash of the text: behind a pooler, processes that number theirs would run each other's statements.
 */
function prepareStatements(client: pg.ClientBase): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const named = (text: unknown, values: unknown, ...rest: unknown[]) => {
    if (typeof text !== 'string' || !Array.isArray(values)) return query(text, values, ...rest);
    const name = names.get(text) ?? createHash('sha256').update(text).digest('base64url');
    names.set(text, name);
    return query({ name, text, values }, ...rest);
  };
  client.query = named as typeof client.query;
}

/** For `unready`: what is missing while the database does not answer. */
export const unreachable = (pool: Pool): Promise<string[]> =>
  pool.query('SELECT 1').then(
    () => [],
    () => ['postgres'],
  );

/** Commits what `work` did, or nothing of it. */
export async function inTransaction<T>(pool: Pool, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
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
