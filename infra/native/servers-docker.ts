// The same three servers in containers, for machines that have Docker but not the servers.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ROOT } from './leftovers.ts';
import { recordContainer } from './pids.ts';
import { postgresAnswers } from './postgres.ts';
import { rabbitmqListens } from './rabbitmq.ts';
import { redisAnswers } from './redis.ts';
import { newSecret, type RabbitServer, type Server, type Starters, type StartServer } from './server.ts';

async function startPostgres(start: StartServer): Promise<Server> {
  const password = newSecret();
  const id = await run(start.dir, [
    ...['-p', '127.0.0.1::5432', '-e', `POSTGRES_PASSWORD=${password}`],
    ...settings('postgres/postgresql.conf', '/etc/postgresql.conf'),
    ...['postgres:17', '-c', 'config_file=/etc/postgresql.conf', '-c', 'listen_addresses=*'],
  ]);
  return whenReady(start, id, 5432, async (port) => {
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    await postgresAnswers(url);
    return { url };
  });
}

async function startRedis(start: StartServer): Promise<Server> {
  const password = newSecret();
  const id = await run(start.dir, [
    ...['-p', '127.0.0.1::6379', ...settings('redis/redis.conf', '/etc/redis.conf')],
    ...['redis:8', 'redis-server', '/etc/redis.conf', '--requirepass', password, '--dir', '/data'],
  ]);
  return whenReady(start, id, 6379, async (port) => {
    const url = `redis://:${password}@127.0.0.1:${port}`;
    await redisAnswers(url);
    return { url };
  });
}

// Asked over the management API, not with rabbitmq-diagnostics inside: as root and early, that one writes the Erlang
// cookie first, and the broker, who may not read it, dies.
async function startRabbitmq(start: StartServer): Promise<RabbitServer> {
  const password = newSecret();
  const id = await run(start.dir, [
    ...['-p', '127.0.0.1::5672', '-p', '127.0.0.1::15672'],
    ...['-e', 'RABBITMQ_DEFAULT_USER=flashsale', '-e', `RABBITMQ_DEFAULT_PASS=${password}`],
    ...settings('rabbitmq/rabbitmq.conf', '/etc/rabbitmq/conf.d/20-flashsale.conf'),
    'rabbitmq:4-management',
  ]);
  return whenReady(start, id, 5672, async (port) => {
    const managementUrl = `http://flashsale:${password}@127.0.0.1:${await publishedPort(id, 15672)}`;
    await rabbitmqListens(managementUrl, 5672);
    return { url: `amqp://flashsale:${password}@127.0.0.1:${port}`, managementUrl };
  });
}

export const dockerStarters: Starters = { postgres: startPostgres, redis: startRedis, rabbitmq: startRabbitmq };

const settings = (path: string, at: string) => ['-v', `${join(ROOT, 'infra', path)}:${at}:ro`];

async function run(dir: string, args: string[]): Promise<string> {
  const id = await docker(['run', '-d', ...args]);
  recordContainer(dir, id);
  return id;
}

async function whenReady<Urls extends { url: string }>(
  { signal }: StartServer,
  id: string,
  innerPort: number,
  ready: (port: number) => Promise<Urls>,
): Promise<Urls & Server> {
  const stop = async () => {
    await docker(['stop', '-t', '10', id]).catch(() => {});
    await docker(['rm', '-f', '-v', id]).catch(() => {});
  };
  for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
    try {
      const port = await publishedPort(id, innerPort);
      const urls = await ready(port);
      return { ...urls, port, pid: Number(await docker(['inspect', '-f', '{{.State.Pid}}', id])), stop };
    } catch (error) {
      const ended = (await docker(['inspect', '-f', '{{.State.Running}}', id])) === 'false';
      if (!ended && !signal?.aborted && Date.now() < deadline) continue;
      const log = await docker(['logs', '--tail', '30', id], 'stderr');
      await stop();
      throw new Error(`container ${id.slice(0, 12)} did not become ready: ${error}\n${log}`);
    }
  }
}

async function publishedPort(id: string, inner: number): Promise<number> {
  const published = await docker(['port', id, `${inner}/tcp`]);
  return Number(published.split('\n')[0]?.split(':').at(-1));
}

async function docker(args: string[], output: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  return (await promisify(execFile)('docker', args, { encoding: 'utf8' }))[output].trim();
}
