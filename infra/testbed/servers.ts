// The servers in the hands of an operator, for tests: a broker's virtual host, and a Redis to kill.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { findServers } from '../native/find-servers.ts';
import { managementApi } from '../native/namespace.ts';
import { freePort } from '../native/ports.ts';
import { until } from '../until.ts';

type QueueInfo = { durable: boolean; type: string; arguments: Record<string, unknown> };

export function openBroker(vhost: string, managementUrl = process.env.TEST_RABBIT_MANAGEMENT_URL ?? '') {
  const call = managementApi(managementUrl);
  const binding = (exchange: string, queue: string) => `bindings/${vhost}/e/${exchange}/q/${queue}`;
  return {
    /** With its messages; its consumers are cancelled. */
    deleteQueue: (queue: string) => call('DELETE', `queues/${vhost}/${queue}`),
    purge: (queue: string) => call('DELETE', `queues/${vhost}/${queue}/contents`),
    queue: (queue: string) => call('GET', `queues/${vhost}/${queue}`) as Promise<QueueInfo>,
    /** The binding whose key is the queue's own name. */
    unbind: (exchange: string, queue: string) => call('DELETE', `${binding(exchange, queue)}/${queue}`),
    bind: (exchange: string, queue: string) => call('POST', binding(exchange, queue), { routing_key: queue }),
    /** From now on the queue rejects what would make it longer. */
    limit: (queue: string, most: number) =>
      call('PUT', `policies/${vhost}/limit`, {
        pattern: `^${queue.replaceAll('.', '\\.')}$`,
        definition: { 'max-length': most, overflow: 'reject-publish' },
        'apply-to': 'queues',
      }),
    unlimit: () => call('DELETE', `policies/${vhost}/limit`),
  };
}

/** A Redis of the test's own, which can be filled up, killed, and started again from an older copy of itself. */
export async function startPrivateRedis() {
  const folder = await mkdtemp(join(tmpdir(), 'flashsale-redis-'));
  const [dump, kept] = [join(folder, 'dump.rdb'), join(folder, 'copy.rdb')];
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''];
  const launch = () => execa(findServers().redis as string, args, { stdio: 'ignore', reject: false });
  const answers = () => until('the private Redis answers', () => ask((redis) => redis.ping()));
  let server = launch();
  await answers();

  async function ask<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    await using closing = new AsyncDisposableStack();
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    closing.defer(() => redis.disconnect());
    redis.on('error', () => undefined);
    await redis.connect();
    return await work(redis);
  }

  async function kill() {
    server.kill('SIGKILL');
    await server;
  }

  return {
    url,
    ask,
    async copy() {
      await ask((redis) => redis.save());
      await copyFile(dump, kept);
    },
    /** Kills Redis and starts another process with what the copy holds, under the same address. */
    async restartFromCopy() {
      await kill();
      await copyFile(kept, dump);
      server = launch();
      await answers();
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}
