// The same three servers in containers, for machines that have Docker but not the servers.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ROOT } from './leftovers.ts';
import { recordContainer } from './pids.ts';
import { newSecret, type RabbitServer, type Server, type Starters, type StartServer } from './server.ts';

const settings = (path: string, at: string) => ['-v', `${join(ROOT, 'infra', path)}:${at}:ro`];

async function startPostgres({ dir, signal }: StartServer): Promise<Server> {
  const password = newSecret();
  const id = await run(dir, [
    ...['-p', '127.0.0.1::5432', '-e', `POSTGRES_PASSWORD=${password}`],
    ...settings('postgres/postgresql.conf', '/etc/postgresql.conf'),
    ...['postgres:17', '-c', 'config_file=/etc/postgresql.conf', '-c', 'listen_addresses=*'],
  ]);
  // -h: the server that the image runs during initialisation listens on its socket only.
  return container(id, 5432, ['pg_isready', '-h', '127.0.0.1'], signal, (port) => ({
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
  }));
}

async function startRedis({ dir, signal }: StartServer): Promise<Server> {
  const password = newSecret();
  const id = await run(dir, [
    ...['-p', '127.0.0.1::6379', ...settings('redis/redis.conf', '/etc/redis.conf')],
    ...['redis:8', 'redis-server', '/etc/redis.conf', '--requirepass', password, '--dir', '/data'],
  ]);
  return container(id, 6379, ['redis-cli', '-a', password, 'ping'], signal, (port) => ({
    url: `redis://:${password}@127.0.0.1:${port}`,
  }));
}

async function startRabbitmq({ dir, signal }: StartServer): Promise<RabbitServer> {
  const password = newSecret();
  const id = await run(dir, [
    ...['-p', '127.0.0.1::5672', '-p', '127.0.0.1::15672'],
    ...['-e', 'RABBITMQ_DEFAULT_USER=flashsale', '-e', `RABBITMQ_DEFAULT_PASS=${password}`],
    ...settings('rabbitmq/rabbitmq.conf', '/etc/rabbitmq/conf.d/20-flashsale.conf'),
    'rabbitmq:4-management',
  ]);
  const management = await publishedPort(id, 15672);
  const healthy = ['rabbitmq-diagnostics', '-q', 'check_port_listener', '5672'];
  return container(id, 5672, healthy, signal, (port) => ({
    url: `amqp://flashsale:${password}@127.0.0.1:${port}`,
    managementUrl: `http://flashsale:${password}@127.0.0.1:${management}`,
  }));
}

export const dockerStarters: Starters = { postgres: startPostgres, redis: startRedis, rabbitmq: startRabbitmq };

async function run(dir: string, args: string[]): Promise<string> {
  const id = await docker(['run', '-d', '--rm', ...args]);
  recordContainer(dir, id);
  return id;
}

async function container<Urls extends { url: string }>(
  id: string,
  inner: number,
  healthy: string[],
  signal: AbortSignal | undefined,
  urls: (port: number) => Urls,
): Promise<Urls & Server> {
  const stop = async () => void (await docker(['stop', '-t', '10', id]).catch(() => {}));
  try {
    await untilHealthy(id, healthy, signal);
    const port = await publishedPort(id, inner);
    const pid = Number(await docker(['inspect', '-f', '{{.State.Pid}}', id]));
    return { ...urls(port), port, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilHealthy(id: string, healthy: string[], signal: AbortSignal | undefined): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
    signal?.throwIfAborted();
    const problem = await docker(['exec', id, ...healthy]).then(
      () => undefined,
      (error: Error) => error,
    );
    if (!problem) return;
    if (Date.now() > deadline) throw problem;
  }
}

async function publishedPort(id: string, inner: number): Promise<number> {
  const published = await docker(['port', id, `${inner}/tcp`]);
  return Number(published.split('\n')[0]?.split(':').at(-1));
}

async function docker(args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, { encoding: 'utf8' })).stdout.trim();
}
