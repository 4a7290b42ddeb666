// A Redis of a test's own, which may be filled up, killed, and started again from an older copy of itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findServers } from '../native/find-servers.ts';
import { freePort } from '../native/ports.ts';
import { until } from '../until.ts';

export async function startPrivateRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'flashsale-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server = await start();
  process.once('exit', () => server.kill('SIGKILL'));

  async function start(): Promise<ChildProcess> {
    const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''];
    const started = spawn(findServers().redis as string, args, { stdio: 'ignore' });
    await until('the private Redis answers', () => ask((redis) => redis.ping()));
    return started;
  }

  async function ask<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  async function kill() {
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  }

  return {
    url,
    ask,
    /** What a later start begins with. */
    async copy() {
      await ask((redis) => redis.save());
      copyFileSync(join(folder, 'dump.rdb'), join(folder, 'copy.rdb'));
    },
    /** Killed, and another process under the same address with what the copy holds. */
    async restartFromCopy() {
      await kill();
      copyFileSync(join(folder, 'copy.rdb'), join(folder, 'dump.rdb'));
      server = await start();
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
