// Databases, virtual hosts and Redis databases on servers that others use too, and a namespace of all three for a test.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { until } from '../until.ts';

export type Namespace = Awaited<ReturnType<typeof openNamespace>>;

export async function openNamespace() {
  const id = `t${randomUUID().slice(-10)}`;
  const adminPostgresUrl = ofTestServers('POSTGRES');
  const rabbit = managementApi(ofTestServers('RABBIT_MANAGEMENT'));
  const [databases, redisUrl, rabbitPassword] = await Promise.all([
    createDatabases(adminPostgresUrl, `_${id}`),
    takeRedisDatabase(ofTestServers('REDIS')),
    createVhost(rabbit, id),
  ]);
  const close = async () => {
    await ifThere(rabbit('DELETE', `vhosts/${id}`));
    await ifThere(rabbit('DELETE', `users/${id}`));
    const drop = (name: string) => [`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`, `DROP ROLE IF EXISTS ${name}`];
    const drops = DATABASES.flatMap((name) => drop(`${name}_${id}`));
    await withPostgres(adminPostgresUrl, drops);
    await withRedis(redisUrl, (redis) => redis.flushdb());
  };
  return {
    id,
    databases,
    redisUrl,
    amqpUrl: `amqp://${id}:${rabbitPassword}@${new URL(ofTestServers('AMQP')).host}/${id}`,
    adminPostgresUrl,
    /** As the broker would on a restart; resolves when every connection that was open is closed. */
    closeRabbitConnections: () => closeConnections(rabbit, id),
    close,
  };
}

function ofTestServers(name: 'POSTGRES' | 'REDIS' | 'AMQP' | 'RABBIT_MANAGEMENT'): string {
  const url = process.env[`TEST_${name}_URL`];
  if (!url) throw new Error('this test needs the private servers: run `npm run test:files -- FILE`');
  return url;
}

const DATABASES = ['orders', 'inventory', 'payment'] as const;

/** A database for each service that has one, and the role that owns it; no other role may connect. */
export async function createDatabases(adminUrl: string, suffix = '') {
  const create = async (name: string) => {
    const password = randomUUID();
    await withPostgres(adminUrl, [
      `CREATE ROLE ${name} LOGIN PASSWORD '${password}'`,
      `CREATE DATABASE ${name} OWNER ${name}`,
      `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
    ]);
    return Object.assign(new URL(adminUrl), { username: name, password, pathname: `/${name}` }).href;
  };
  const created = await Promise.all(DATABASES.map(async (name) => [name, await create(`${name}${suffix}`)]));
  return Object.fromEntries(created) as Record<(typeof DATABASES)[number], string>;
}

export async function withPostgres(connectionString: string, statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

// Database 0 counts; a number is taken again after 255 others, long after its test has ended.
async function takeRedisDatabase(url: string): Promise<string> {
  const own = `${url}/${((await withRedis(url, (redis) => redis.incr('namespaces'))) % 255) + 1}`;
  await withRedis(own, (redis) => redis.flushdb());
  return own;
}

export async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** A vhost and the one user who may use it. */
export async function createVhost(rabbit: ReturnType<typeof managementApi>, id: string): Promise<string> {
  const password = randomUUID();
  await rabbit('PUT', `vhosts/${id}`, {});
  await rabbit('PUT', `users/${id}`, { password, tags: '' });
  await rabbit('PUT', `permissions/${id}/${id}`, { configure: '.*', write: '.*', read: '.*' });
  return password;
}

// By user, because that list is exact at any moment; the list by vhost shows a connection up to 5 s late.
async function closeConnections(rabbit: ReturnType<typeof managementApi>, id: string): Promise<void> {
  const path = `connections/username/${id}`;
  const connections = async () =>
    (((await ifThere(rabbit('GET', path))) ?? []) as { name: string }[]).map(({ name }) => name);
  // A connection is listed a moment after its client has it.
  await sleep(50);
  const open = await connections();
  const areClosed = async () => {
    if (!(await connections()).some((name) => open.includes(name))) return true;
    return void (await ifThere(rabbit('DELETE', path)));
  };
  await until(`RabbitMQ has closed the connections of ${id}`, areClosed, 15_000);
}

/** RabbitMQ's management API. */
export function managementApi(url: string) {
  const { username, password, origin } = new URL(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  /** Throws what the broker refuses, with the status as its cause. */
  return async (method: string, path: string, body?: object, signal: AbortSignal | null = null): Promise<unknown> => {
    const init = { method, headers, signal, body: body ? JSON.stringify(body) : null };
    const response = await fetch(`${origin}/api/${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`, { cause: response.status });
    return text ? JSON.parse(text) : undefined;
  };
}

export const brokerListens = (managementUrl: string, amqpPort: number) =>
  managementApi(managementUrl)('GET', `health/checks/port-listener/${amqpPort}`, undefined, AbortSignal.timeout(2000));

/** For what may be gone already: undefined then. */
export async function ifThere(request: Promise<unknown>): Promise<unknown> {
  return request.catch((error) => {
    if (error.cause !== 404) throw error;
  });
}
