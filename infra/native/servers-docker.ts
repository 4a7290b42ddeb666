// The same three servers in containers, for machines that have Docker but not the servers.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import { until } from '../until.ts';
import { changePids, ROOT } from './leftovers.ts';
import { brokerListens, withPostgres, withRedis } from './namespace.ts';
import type { Server, ServerName, StartServer, Urls } from './servers.ts';

/** `port` is the one inside; the functions get what is found outside. */
type Container = {
  port: number;
  options: string[];
  command: string[];
  urls(at: string, management: string): Urls;
  isReady(urls: Urls): Promise<unknown>;
};

const MANAGEMENT = 15672;
const settings = (path: string, at: string) => ['-v', `${join(ROOT, 'infra', path)}:${at}:ro`];

const containers: Record<ServerName, (password: string) => Container> = {
  postgres: (password) => ({
    port: 5432,
    options: ['-e', `POSTGRES_PASSWORD=${password}`, ...settings('postgres/postgresql.conf', '/etc/postgresql.conf')],
    command: ['postgres:17', '-c', 'config_file=/etc/postgresql.conf', '-c', 'listen_addresses=*'],
    urls: (at) => ({ url: `postgres://postgres:${password}@${at}/postgres` }),
    isReady: ({ url }) => withPostgres(url, ['SELECT 1']),
  }),
  redis: (password) => ({
    port: 6379,
    options: settings('redis/redis.conf', '/etc/redis.conf'),
    command: ['redis:8', 'redis-server', '/etc/redis.conf', '--requirepass', password, '--dir', '/data'],
    urls: (at) => ({ url: `redis://:${password}@${at}` }),
    isReady: ({ url }) => withRedis(url, (redis) => redis.ping()),
  }),
  rabbitmq: (password) => ({
    port: 5672,
    options: [
      ...['-p', `127.0.0.1::${MANAGEMENT}`],
      ...['-e', 'RABBITMQ_DEFAULT_USER=flashsale', '-e', `RABBITMQ_DEFAULT_PASS=${password}`],
      ...settings('rabbitmq/rabbitmq.conf', '/etc/rabbitmq/conf.d/20-flashsale.conf'),
    ],
    command: ['rabbitmq:4-management'],
    urls: (at, management) => ({
      url: `amqp://flashsale:${password}@${at}`,
      managementUrl: `http://flashsale:${password}@${management}`,
    }),
    // Not with rabbitmq-diagnostics inside: as root and early, that one writes the Erlang cookie first, and the broker,
    // who may not read it, dies.
    isReady: ({ managementUrl = '' }) => brokerListens(managementUrl, 5672),
  }),
};

export async function startContainer(name: ServerName, { dir, signal, undo }: StartServer): Promise<Server> {
  const { port: inside, options, command, urls, isReady } = containers[name](randomUUID());
  const id = await docker('run', '-d', '-p', `127.0.0.1::${inside}`, ...options, ...command);
  changePids(dir, (pids) => pids.containers.push(id));
  undo.defer(async () => {
    await docker('stop', '-t', '10', id).catch(() => {});
    await docker('rm', '-f', '-v', id).catch(() => {});
  });
  const published = async (port: number) => (await docker('port', id, `${port}/tcp`)).split('\n')[0] ?? '';
  const look = async () => {
    const [isRunning, pid] = (await docker('inspect', '-f', '{{.State.Running}} {{.State.Pid}}', id)).split(' ');
    if (isRunning === 'false') return 'it has ended';
    const at = await published(inside);
    const found = urls(at, name === 'rabbitmq' ? await published(MANAGEMENT) : '');
    await isReady(found);
    return { ...found, port: Number(at.split(':').at(-1)), pid: Number(pid) };
  };
  const found = await until('it is ready', look, { withinMs: 60_000, everyMs: 200, signal }).catch(String);
  if (typeof found === 'object') return found;
  const { stderr } = await execa('docker', ['logs', '--tail', '30', id], { reject: false });
  throw new Error(`container ${id.slice(0, 12)} of ${name} did not become ready: ${found}\n${stderr}`);
}

const docker = async (...args: string[]) => (await execa('docker', args)).stdout.trim();
