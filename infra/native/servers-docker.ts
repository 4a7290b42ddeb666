// The same three servers in containers, for machines that have Docker but not the servers.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import { until } from '../until.ts';
import { changePids, ROOT } from './leftovers.ts';
import { brokerListens, withPostgres, withRedis } from './namespace.ts';
import type { Server, ServerName, StartServer, Urls } from './servers.ts';

/** `run` is what follows `docker run`; in the URLs stands the port inside, where the address outside will stand. */
type Container = { run: string; url: string; managementUrl?: string; isReady(urls: Urls): Promise<unknown> };

const CONTAINERS: Record<ServerName, Container> = {
  postgres: {
    run: `-p 127.0.0.1::5432 -e POSTGRES_PASSWORD=PASSWORD -v INFRA/postgres/postgresql.conf:/etc/postgresql.conf:ro
      postgres:17 -c config_file=/etc/postgresql.conf -c listen_addresses=*`,
    url: 'postgres://postgres:PASSWORD@5432/postgres',
    isReady: ({ url }) => withPostgres(url, ['SELECT 1']),
  },
  redis: {
    run: `-p 127.0.0.1::6379 -v INFRA/redis/redis.conf:/etc/redis.conf:ro
      redis:8 redis-server /etc/redis.conf --requirepass PASSWORD --dir /data`,
    url: 'redis://:PASSWORD@6379',
    isReady: ({ url }) => withRedis(url, (redis) => redis.ping()),
  },
  rabbitmq: {
    run: `-p 127.0.0.1::5672 -p 127.0.0.1::15672
      -e RABBITMQ_DEFAULT_USER=flashsale -e RABBITMQ_DEFAULT_PASS=PASSWORD
      -v INFRA/rabbitmq/rabbitmq.conf:/etc/rabbitmq/conf.d/20-flashsale.conf:ro rabbitmq:4-management`,
    url: 'amqp://flashsale:PASSWORD@5672',
    managementUrl: 'http://flashsale:PASSWORD@15672',
    // Not with rabbitmq-diagnostics inside: as root and early, that one writes the Erlang cookie first, and the broker,
    // which may not read it, dies.
    isReady: ({ managementUrl = '' }) => brokerListens(managementUrl, 5672),
  },
};

export async function startContainer(name: ServerName, { dir, signal, undo }: StartServer): Promise<Server> {
  const { run, url, managementUrl, isReady } = CONTAINERS[name];
  const password = randomUUID();
  const args = run.split(/\s+/).map((arg) => arg.replace('PASSWORD', password).replace('INFRA', join(ROOT, 'infra')));
  const id = await docker('run', '-d', ...args);
  changePids(dir, (pids) => pids.containers.push(id));
  undo.defer(async () => {
    await docker('stop', '-t', '10', id).catch(() => {});
    await docker('rm', '-f', '-v', id).catch(() => {});
  });
  const outside = async (address: string) => {
    const [credentials = '', port = '', path] = address.replace('PASSWORD', password).split(/(?<=@)(\d+)/);
    const [at] = (await docker('port', id, port)).split('\n');
    return `${credentials}${at}${path}`;
  };
  const look = async () => {
    const [isRunning, pid] = (await docker('inspect', '-f', '{{.State.Running}} {{.State.Pid}}', id)).split(' ');
    if (isRunning === 'false') return 'it has ended';
    const urls = { url: await outside(url), ...(managementUrl && { managementUrl: await outside(managementUrl) }) };
    await isReady(urls);
    return { ...urls, port: Number(new URL(urls.url).port), pid: Number(pid) };
  };
  const found = await until('it is ready', look, { withinMs: 60_000, everyMs: 200, signal }).catch(String);
  if (typeof found === 'object') return found;
  const { stderr } = await execa('docker', ['logs', '--tail', '30', id], { reject: false });
  throw new Error(`container ${id.slice(0, 12)} of ${name} did not become ready: ${found}\n${stderr}`);
}

const docker = async (...args: string[]) => (await execa('docker', args)).stdout.trim();
