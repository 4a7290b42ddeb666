// Stands in for infra/native/namespace.ts until that is there.
import { randomUUID } from 'node:crypto';
import pg from 'pg';

export async function openNamespace() {
  const admin = new pg.Client(process.env.TEST_POSTGRES_URL);
  await admin.connect();
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(process.env.TEST_POSTGRES_URL as string);
  url.pathname = `/${name}`;
  return {
    databases: { inventory: url.href },
    async close() {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
