// A private Redis on 127.0.0.1 with a password.
import fs from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findServers } from './find-servers.mjs';
import { ROOT } from './leftovers.ts';
import { freePort } from './ports.ts';
import { startProcess, untilReady } from './processes.ts';
import { newSecret, programOf, type Server, type StartServer } from './server.ts';

export async function startRedis({ dir, signal }: StartServer): Promise<Server> {
  const home = join(dir, 'redis');
  const [password, port] = [newSecret(), await freePort()];
  fs.mkdirSync(home, { mode: 0o700 });
  const configFile = join(home, 'redis.conf');
  fs.writeFileSync(configFile, settings(home, port, password), { mode: 0o600 });
  const child = startProcess({
    dir,
    name: 'redis',
    command: programOf(findServers().redis, 'redis-server'),
    args: [configFile],
    env: { PATH: process.env.PATH, HOME: home },
  });
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const stop = async () => void (await child.stop());
  try {
    await untilReady(child, () => redisAnswers(url), { signal });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, pid: child.pid, stop };
}

function settings(home: string, port: number, password: string): string {
  const shared = fs.readFileSync(join(ROOT, 'infra/redis/redis.conf'), 'utf8');
  return `${shared}\nbind 127.0.0.1\nport ${port}\ndir "${home}"\nrequirepass ${password}\ndaemonize no\n`;
}

export async function redisAnswers(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 2000, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
