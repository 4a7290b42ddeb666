// Private servers for one run of tests, which finds them in its environment; gone afterwards.
import { join } from 'node:path';
import { LOCAL, removeDir, sweepLeftovers } from './leftovers.ts';
import { startServers } from './servers.ts';

/** `name`: of the directory under .local. */
export async function withTestServers(
  name: string,
  signal: AbortSignal,
  work: (env: Record<string, string>) => Promise<number>,
): Promise<number> {
  await sweepLeftovers(console.log);
  const dir = join(LOCAL, `${name}-${process.pid}`);
  try {
    const servers = await startServers({ dir, say: console.log, signal });
    try {
      return await work({
        TEST_POSTGRES_URL: servers.postgres.url,
        TEST_REDIS_URL: servers.redis.url,
        TEST_AMQP_URL: servers.rabbitmq.url,
        TEST_RABBIT_MANAGEMENT_URL: servers.rabbitmq.managementUrl,
      });
    } finally {
      await servers.stop();
    }
  } finally {
    removeDir(dir);
  }
}
