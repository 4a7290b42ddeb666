// Reference (c): the three services' tables on the same server, and pgbench writing what a confirmed order writes.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { findServers } from '../../infra/native/find-servers.ts';
import { ROOT } from '../../infra/native/leftovers.ts';

const AMPLE_SALE = `INSERT INTO sales (id, sku, title, amount_minor, currency, stock, available, opens_at, closes_at,
    per_buyer_limit, mode, checkout, decide_within_seconds, epoch)
  VALUES ($1, 'bench', 'ample', 4900, 'EUR', 1000000000, 1000000000, now(), now() + interval '1 day',
    1, 'queued', 'instant', 600, 1)`;

/** In a schema of its own in that database. */
export async function layLedger(databaseUrl: string) {
  const [saleId, url] = [randomUUID(), `${databaseUrl}?options=-csearch_path%3Dbench`];
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('CREATE SCHEMA bench');
    for (const sql of migrations()) await client.query(sql);
    await client.query(AMPLE_SALE, [saleId]);
  } finally {
    await client.end();
  }
  // Not an argument, which would show the password to every user of the machine.
  const env = { PATH: process.env.PATH ?? '', PGDATABASE: url };
  return {
    /** `transactions`: so many of each client, instead of for a time. */
    async run(bound: { seconds: number } | { transactions: number }, cancelSignal: AbortSignal) {
      const end = 'seconds' in bound ? ['-T', String(bound.seconds)] : ['-t', String(bound.transactions)];
      const order = ['-D', `sale=${saleId}`, '-f', join(import.meta.dirname, 'order.sql')];
      const args = ['-n', '-c', '8', '-M', 'prepared', ...end, ...order];
      const { stdout } = await execa(findPgbench(), args, { env, extendEnv: false, cancelSignal });
      return parsePgbench(stdout);
    },
  };
}

function migrations(): string[] {
  const folders = ['orders', 'inventory', 'payment'].map((service) => join(ROOT, 'services', service, 'migrations'));
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((file) => join(folder, file)),
  );
  return files.map((file) => readFileSync(file, 'utf8').split(/^-- Down Migration/m)[0] ?? '');
}

export function findPgbench(): string {
  const { pgbench } = findServers();
  if (!pgbench) throw new Error('the bench needs pgbench, which comes with PostgreSQL (Fedora: postgresql-contrib)');
  return pgbench;
}

export function parsePgbench(text: string) {
  const find = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const transactions = find(/^number of transactions actually processed: (\d+)/m);
  const perSecond = find(/^tps = ([\d.]+)/m);
  const failed = find(/^number of failed transactions: (\d+)/m);
  if (!(transactions > 0 && perSecond > 0) || failed > 0) throw new Error(`pgbench has no figure:\n${text}`);
  return { transactions, perSecond };
}
