// For tests: databases, a RabbitMQ vhost and a Redis database of one's own on the shared private servers.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createDatabase, dropDatabase } from './databases.ts';
import { ifThere, type Management, managementApi } from './rabbit-management.ts';
import { newSecret } from './server.ts';

export type Namespace = {
  id: string;
  databases: Record<'orders' | 'inventory' | 'payment', string>;
  redisUrl: string;
  amqpUrl: string;
  adminPostgresUrl: string;
  /** As the broker would on a restart; resolves when none of the connections that were open is left. */
  closeRabbitConnections(): Promise<void>;
  close(): Promise<void>;
};

export async function openNamespace(): Promise<Namespace> {
  const servers = serversOfThisTest();
  const id = `t${randomBytes(5).toString('hex')}`;
  const names = { orders: `orders_${id}`, inventory: `inventory_${id}`, payment: `payment_${id}` };
  const rabbit = managementApi(servers.rabbitManagement);
  const create = (name: string) => createDatabase(servers.postgres, name, newSecret());
  const [orders, inventory, payment, redisUrl, rabbitPassword] = await Promise.all([
    create(names.orders),
    create(names.inventory),
    create(names.payment),
    takeRedisDatabase(servers.redis),
    createVhost(rabbit, id),
  ]);
  const close = async () => {
    await ifThere(rabbit('DELETE', `vhosts/${id}`));
    await ifThere(rabbit('DELETE', `users/${id}`));
    await Promise.all(Object.values(names).map((name) => dropDatabase(servers.postgres, name)));
    await withRedis(redisUrl, (redis) => redis.flushdb());
  };
  return {
    id,
    databases: { orders, inventory, payment },
    redisUrl,
    amqpUrl: `amqp://${id}:${rabbitPassword}@${new URL(servers.amqp).host}/${id}`,
    adminPostgresUrl: servers.postgres,
    closeRabbitConnections: () => closeConnections(rabbit, id),
    close,
  };
}

function serversOfThisTest() {
  const { TEST_POSTGRES_URL, TEST_REDIS_URL, TEST_AMQP_URL, TEST_RABBIT_MANAGEMENT_URL } = process.env;
  if (!TEST_POSTGRES_URL || !TEST_REDIS_URL || !TEST_AMQP_URL || !TEST_RABBIT_MANAGEMENT_URL) {
    throw new Error('this test needs the private servers: run `npm test -- FILE`');
  }
  return {
    postgres: TEST_POSTGRES_URL,
    redis: TEST_REDIS_URL,
    amqp: TEST_AMQP_URL,
    rabbitManagement: TEST_RABBIT_MANAGEMENT_URL,
  };
}

// Database 0 counts; a number comes round again after 255 others, long after its test has ended.
async function takeRedisDatabase(url: string): Promise<string> {
  const number = ((await withRedis(url, (redis) => redis.incr('namespaces'))) % 255) + 1;
  const own = `${url}/${number}`;
  await withRedis(own, (redis) => redis.flushdb());
  return own;
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { retryStrategy: () => null });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** A vhost and the one user who may use it. */
export async function createVhost(rabbit: Management, id: string): Promise<string> {
  const password = newSecret();
  await rabbit('PUT', `vhosts/${id}`, {});
  await rabbit('PUT', `users/${id}`, { password, tags: '' });
  await rabbit('PUT', `permissions/${id}/${id}`, { configure: '.*', write: '.*', read: '.*' });
  return password;
}

// By user, because that list is exact at any moment; the list by vhost learns of a connection up to 5 s late.
async function closeConnections(rabbit: Management, id: string): Promise<void> {
  const open = await connections(rabbit, id);
  for (const deadline = Date.now() + 15_000; ; await sleep(20)) {
    const left = (await connections(rabbit, id)).filter((name) => open.includes(name));
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`RabbitMQ still lists ${left.length} connections of ${id}`);
    await ifThere(rabbit('DELETE', `connections/username/${id}`));
  }
}

async function connections(rabbit: Management, id: string): Promise<string[]> {
  const listed = (await ifThere(rabbit('GET', `connections/username/${id}`))) as { name: string }[] | undefined;
  return (listed ?? []).map(({ name }) => name);
}
