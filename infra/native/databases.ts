// A database and the role that owns it; nobody else may connect.
import pg from 'pg';

export async function createDatabase(adminUrl: string, name: string, password: string): Promise<string> {
  const identifier = pg.escapeIdentifier(name);
  await withClient(adminUrl, async (client) => {
    await client.query(`CREATE ROLE ${identifier} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    await client.query(`CREATE DATABASE ${identifier} OWNER ${identifier}`);
    await client.query(`REVOKE ALL ON DATABASE ${identifier} FROM PUBLIC`);
  });
  const url = new URL(adminUrl);
  Object.assign(url, { username: name, password, pathname: `/${name}` });
  return url.href;
}

export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  const identifier = pg.escapeIdentifier(name);
  await withClient(adminUrl, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${identifier} WITH (FORCE)`);
    await client.query(`DROP ROLE IF EXISTS ${identifier}`);
  });
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
