// Reference (c): the three services' tables on the same server, and pgbench writing what a confirmed order writes.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findServers } from '../../infra/native/find-servers.ts';
import { ROOT } from '../../infra/native/leftovers.ts';

const SCHEMA = 'bench';
const SCRIPT = join(import.meta.dirname, 'order.sql');
const CLIENTS = 8;

/** Ids in the order of their making, as the gateway mints them: random ones would scatter the writes of every index. */
const NEW_ORDER_ID = `CREATE FUNCTION new_order_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT cast(substr(time, 1, 8) || '-' || substr(time, 9) || '-7' || substr(cast(gen_random_uuid() AS text), 16) AS uuid)
  FROM lpad(to_hex(cast(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)), 12, '0') AS time $$`;

const AMPLE_SALE = `INSERT INTO sales (id, sku, title, amount_minor, currency, initial, available, opens_at, closes_at,
    per_buyer_limit, mode, checkout, decide_within_seconds, epoch)
  VALUES ($1, 'bench', 'ample', 4900, 'EUR', 1000000000, 1000000000, now(), now() + interval '1 day', 1, 'queued', 'instant', 600, 1)`;

export interface Ledger {
  /** Transactions per second. `transactions`: so many of each client, instead of for a time. */
  run(bound: { seconds: number } | { transactions: number }, signal: AbortSignal): Promise<PgbenchResult>;
}

/** In a schema of its own in that database. */
export async function layLedger(databaseUrl: string): Promise<Ledger> {
  const saleId = randomUUID();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`CREATE SCHEMA ${SCHEMA}; SET search_path TO ${SCHEMA}`);
    for (const sql of migrations()) await client.query(sql);
    await client.query(NEW_ORDER_ID);
    await client.query(AMPLE_SALE, [saleId]);
  } finally {
    await client.end();
  }
  const env = { PATH: process.env.PATH, ...addressOf(databaseUrl), PGOPTIONS: `-c search_path=${SCHEMA}` };
  return {
    async run(bound, signal) {
      const end = 'seconds' in bound ? ['-T', String(bound.seconds)] : ['-t', String(bound.transactions)];
      const args = ['-n', '-c', String(CLIENTS), '-M', 'prepared', ...end, '-D', `sale=${saleId}`, '-f', SCRIPT];
      const { stdout } = await promisify(execFile)(findPgbench(), args, { env, signal });
      return parsePgbench(stdout);
    },
  };
}

function* migrations(): Generator<string> {
  for (const service of ['orders', 'inventory', 'payment']) {
    const folder = join(ROOT, 'services', service, 'migrations');
    for (const file of readdirSync(folder).sort()) {
      const [up = ''] = readFileSync(join(folder, file), 'utf8').split(/^-- Down Migration/m);
      yield up;
    }
  }
}

/** Not on the command line, where everybody reads the password. */
function addressOf(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url);
  return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: pathname.slice(1) };
}

export function findPgbench(): string {
  const { pgbench } = findServers();
  if (!pgbench) throw new Error('the bench needs pgbench, which comes with PostgreSQL (Fedora: postgresql-contrib)');
  return pgbench;
}

export interface PgbenchResult {
  transactions: number;
  perSecond: number;
}

export function parsePgbench(text: string): PgbenchResult {
  const find = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const transactions = find(/^number of transactions actually processed: (\d+)/m);
  const perSecond = find(/^tps = ([\d.]+)/m);
  const failed = find(/^number of failed transactions: (\d+)/m);
  if (!(transactions > 0 && perSecond > 0) || failed > 0) throw new Error(`pgbench has no figure:\n${text}`);
  return { transactions, perSecond };
}
