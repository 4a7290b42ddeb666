// The servers in the hands of an operator, for tests: a broker's virtual host, and a Redis to kill.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { findServers } from '../native/find-servers.ts';
import { ROOT } from '../native/leftovers.ts';
import { managementApi } from '../native/namespace.ts';
import { freePort } from '../native/ports.ts';
import { until } from '../until.ts';

const SHIPPED = join(ROOT, 'infra/redis/redis.conf');

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

/** A Redis of the test's own under the shipped settings, which can be filled up, demoted, killed, and started from an older copy. */
export async function startPrivateRedis() {
  const program = findServers().redis as string;
  const folder = await mkdtemp(join(tmpdir(), 'flashsale-redis-'));
  const [dump, kept] = [join(folder, 'dump.rdb'), join(folder, 'copy.rdb')];
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  // An older copy is put in by its dump, and a replica need not wait for others before it gets one.
  const settings = ['--appendonly', 'no', '--save', '', '--repl-diskless-sync-delay', '0'];
  const launch = () => execa(program, [SHIPPED, ...own, ...settings], { stdio: 'ignore', reject: false });
  const responds = () => until('the private Redis responds', () => run((redis) => redis.ping()));
  let server = launch();
  await responds();

  async function run<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
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

  async function start() {
    server = launch();
    await responds();
  }

  const config = (name: string, value: string) => run((redis) => redis.config('SET', name, value));

  return {
    url,
    run,
    async copy() {
      // Refused for a moment after a backup, whose own process may still be there.
      await until('Redis has written its data down', () => run((redis) => redis.save()));
      await copyFile(dump, kept);
    },
    /** Kills Redis and starts another process with what the copy holds, under the same address. */
    async restartFromCopy() {
      await kill();
      await copyFile(kept, dump);
      await start();
    },
    /** As a service manager does: Redis writes its data down and finds them again. */
    async restart() {
      await run((redis) => redis.shutdown('SAVE')).catch(() => undefined);
      await server;
      await start();
    },
    /** From now on it has no memory for more than it holds, or as much as the settings say. */
    fill: (full: boolean) => config('maxmemory', full ? '1' : '512mb'),
    /** Its connections stay open. Resolves when it has the other's data. */
    async replicate(primaryUrl: string) {
      const { hostname, port: from } = new URL(primaryUrl);
      await run((redis) => redis.replicaof(hostname, from));
      await until('the replica is in step', () =>
        run(async (redis) => /^master_link_status:up/m.test(await redis.info())),
      );
    },
    promote: () => run((redis) => redis.replicaof('NO', 'ONE')),
    /** Takes a backup over the network. */
    async backUp() {
      const cli = join(dirname(program), basename(program).replace('server', 'cli'));
      await execa(cli, ['-p', String(port), '--rdb', join(folder, 'backup.rdb')]);
      await until('the backup has gone', () => run(async (redis) => /^connected_slaves:0/m.test(await redis.info())));
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}
