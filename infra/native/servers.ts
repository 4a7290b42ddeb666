// Postgres, Redis and RabbitMQ for one run: private, on free ports of 127.0.0.1, with generated passwords.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { findServers, type Programs } from './find-servers.ts';
import { claim, LOCAL, ROOT, release, removeDir, sweepLeftovers } from './leftovers.ts';
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
/** A server leaves in `undo` what ends it, also when its start fails half-way. */
export type StartServer = { dir: string; programs: Programs; signal: AbortSignal; undo: AsyncDisposableStack };
export type Servers = Record<ServerName, Server>;
/** `keep` leaves logs and data where they are. */
type Options = Omit<StartServer, 'programs'> & { log(line: string): void; keep?: boolean };

const native = { postgres: startPostgres, redis: startRedis, rabbitmq: startRabbitmq };

/** In a directory that is then this process's own. */
export async function startServers({ dir, log, signal, undo, keep = false }: Options): Promise<Servers> {
  await sweepLeftovers(log);
  await claim(dir);
  undo.defer(() => (keep ? release(dir) : removeDir(dir)));
  const { missing, tooOld, ...programs } = findServers();
  const inDocker = process.env.FLASHSALE_SERVERS === 'docker' || missing.length + tooOld.length > 0;
  const failed = new AbortController();
  const start = { dir, programs: programs as Programs, signal: AbortSignal.any([signal, failed.signal]), undo };
  const begin = async (name: ServerName, title: string): Promise<Server> => {
    const from = Date.now();
    const server = await (inDocker ? startContainer(name, start) : native[name](start));
    log(`${title} is ready on 127.0.0.1:${server.port} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
    return server;
  };
  const starting = [begin('postgres', 'Postgres'), begin('redis', 'Redis'), begin('rabbitmq', 'RabbitMQ')] as const;
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting);
    return { postgres, redis, rabbitmq };
  } catch (error) {
    // `undo` must not be disposed while another start still adds to it.
    failed.abort();
    await Promise.allSettled(starting);
    throw error;
  }
}

async function startRedis({ dir, programs, signal, undo }: StartServer): Promise<Server> {
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

type Work = (env: Record<string, string>) => Promise<number>;

/** Private servers for one run of tests, which gets their addresses; `name` is the directory's under .local. */
export async function withTestServers(name: string, signal: AbortSignal, work: Work): Promise<number> {
  const dir = join(LOCAL, `${name}-${process.pid}`);
  await using undo = new AsyncDisposableStack();
  const { postgres, redis, rabbitmq } = await startServers({ dir, log: console.log, signal, undo });
  return await work({
    TEST_POSTGRES_URL: postgres.url,
    TEST_REDIS_URL: redis.url,
    TEST_AMQP_URL: rabbitmq.url,
    TEST_RABBIT_MANAGEMENT_URL: rabbitmq.managementUrl ?? '',
  });
}
