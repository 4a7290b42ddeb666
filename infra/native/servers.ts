// Postgres, Redis and RabbitMQ for one run: private, on free ports of 127.0.0.1, with generated passwords.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { findServers, type Programs } from './find-servers.ts';
import { claim, LOCAL, ROOT, removeDir, sweepLeftovers } from './leftovers.ts';
import { withRedis } from './namespace.ts';
import { freePort } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { startProcess, untilReady } from './processes.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startContainer } from './servers-docker.ts';

export type ServerName = 'postgres' | 'redis' | 'rabbitmq';
/** `managementUrl`: of RabbitMQ alone. */
export type Urls = { url: string; managementUrl?: string };
export type Server = Urls & { port: number; pid: number };
/** What a server must do at its end, and what a failed start must undo, it leaves in `undo`. */
export type StartServer = { dir: string; signal: AbortSignal; undo: AsyncDisposableStack };
export type StartNative = StartServer & { programs: Programs };
export type Servers = Record<ServerName, Server> & { stop(): Promise<void> };
type Options = { dir: string; say(line: string): void; signal?: AbortSignal | undefined };

const native = { postgres: startPostgres, redis: startRedis, rabbitmq: startRabbitmq };
export async function startServers({ dir, say, signal }: Options): Promise<Servers> {
  await claim(dir);
  const { missing, tooOld, ...programs } = findServers();
  const inDocker = process.env.FLASHSALE_SERVERS === 'docker' || missing.length + tooOld.length > 0;
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const undos: AsyncDisposableStack[] = [];
  const begin = async (name: ServerName, title: string): Promise<Server> => {
    const [from, undo] = [Date.now(), new AsyncDisposableStack()];
    undos.push(undo);
    const start = { dir, signal: either, undo };
    const server = await (inDocker
      ? startContainer(name, start)
      : native[name]({ ...start, programs: programs as Programs }));
    say(`${title} is ready on 127.0.0.1:${server.port} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
    return server;
  };
  const starting = [begin('postgres', 'Postgres'), begin('redis', 'Redis'), begin('rabbitmq', 'RabbitMQ')] as const;
  const stop = async () => {
    failed.abort();
    await Promise.allSettled(starting);
    await Promise.all(undos.map((undo) => undo.disposeAsync()));
  };
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting);
    return { postgres, redis, rabbitmq, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startRedis({ dir, programs, signal, undo }: StartNative): Promise<Server> {
  const home = join(dir, 'redis');
  const [password, port] = [randomUUID(), await freePort()];
  fs.mkdirSync(home, { mode: 0o700 });
  const configFile = join(home, 'redis.conf');
  const shared = fs.readFileSync(join(ROOT, 'infra/redis/redis.conf'), 'utf8');
  const own = `bind 127.0.0.1\nport ${port}\ndir "${home}"\nrequirepass ${password}\ndaemonize no\n`;
  fs.writeFileSync(configFile, `${shared}\n${own}`, { mode: 0o600 });
  const env = { PATH: process.env.PATH, HOME: home };
  const child = undo.use(startProcess({ dir, name: 'redis', command: programs.redis, args: [configFile], env }));
  const url = `redis://:${password}@127.0.0.1:${port}`;
  await untilReady(child, () => withRedis(url, (redis) => redis.ping()), { signal });
  return { url, port, pid: child.pid };
}

/** Private servers for one run of tests, which finds them in its environment; `name` is the directory's under .local. */
export async function withTestServers<T>(
  name: string,
  signal: AbortSignal,
  work: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  await sweepLeftovers(console.log);
  const dir = join(LOCAL, `${name}-${process.pid}`);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeDir(dir));
  const { postgres, redis, rabbitmq, stop } = await startServers({ dir, say: console.log, signal });
  undo.defer(stop);
  return await work({
    TEST_POSTGRES_URL: postgres.url,
    TEST_REDIS_URL: redis.url,
    TEST_AMQP_URL: rabbitmq.url,
    TEST_RABBIT_MANAGEMENT_URL: rabbitmq.managementUrl ?? '',
  });
}
