// The same three servers in containers, for machines that have Docker but not the servers.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { until } from '../until.ts';
import { changePids, ROOT } from './leftovers.ts';
import { brokerListens, withPostgres, withRedis } from './namespace.ts';
import type { Server, ServerName, StartServer, Urls } from './servers.ts';

/** `run` is what follows `docker run`; in the URLs stands the port inside, where the address outside will stand. */
type Container = Urls & { run: string; conf: string; isReady(urls: Urls): Promise<unknown> };

const CONTAINERS: Record<ServerName, Container> = {
  postgres: {
    run: `-p 127.0.0.1::5432 -e POSTGRES_PASSWORD=<secret> -v <conf>:/etc/postgresql.conf:ro
      postgres:17 -c config_file=/etc/postgresql.conf -c listen_addresses=*`,
    conf: 'postgres/postgresql.conf',
    url: 'postgres://postgres:<secret>@5432/postgres',
    isReady: ({ url }) => withPostgres(url, ['SELECT 1']),
  },
  redis: {
    run: `-p 127.0.0.1::6379 -v <conf>:/etc/redis.conf:ro
      redis:8 redis-server /etc/redis.conf --requirepass <secret> --dir /data`,
    conf: 'redis/redis.conf',
    url: 'redis://:<secret>@6379',
    isReady: ({ url }) => withRedis(url, (redis) => redis.ping()),
  },
  rabbitmq: {
    run: `-p 127.0.0.1::5672 -p 127.0.0.1::15672
      -e RABBITMQ_DEFAULT_USER=flashsale -e RABBITMQ_DEFAULT_PASS=<secret>
      -v <conf>:/etc/rabbitmq/conf.d/20-flashsale.conf:ro rabbitmq:4-management`,
    conf: 'rabbitmq/rabbitmq.conf',
    url: 'amqp://flashsale:<secret>@5672',
    managementUrl: 'http://flashsale:<secret>@15672',
    // Not with rabbitmq-diagnostics inside: as root and early, that one writes the Erlang cookie first, and the broker,
    // which may not read it, dies.
    isReady: ({ managementUrl = '' }) => brokerListens(managementUrl, 5672),
  },
};

export async function startContainer(name: ServerName, { dir, signal, undo }: StartServer): Promise<Server> {
  const { run, conf, url, managementUrl, isReady } = CONTAINERS[name];
  const password = randomUUID();
  const readable = join(dir, `${name}.conf`);
  fs.copyFileSync(join(ROOT, 'infra', conf), readable);
  // For the container's user, whatever the umask of the checkout was.
  fs.chmodSync(readable, 0o644);
  const args = run.split(/\s+/).map((arg) => arg.replace('<secret>', password).replace('<conf>', readable));
  const id = await docker('run', '-d', ...args);
  changePids(dir, (pids) => pids.containers.push(id));
  undo.defer(async () => {
    await docker('stop', '-t', '10', id).catch(() => {});
    await docker('rm', '-f', '-v', id).catch(() => {});
  });
  const outside = (address: string) => addressOutside(id, address.replace('<secret>', password));
  const check = async () => {
    const [isRunning, pid] = (await docker('inspect', '-f', '{{.State.Running}} {{.State.Pid}}', id)).split(' ');
    if (isRunning === 'false') return 'it has ended';
    const urls = { url: await outside(url), ...(managementUrl && { managementUrl: await outside(managementUrl) }) };
    await isReady(urls);
    return { ...urls, port: Number(new URL(urls.url).port), pid: Number(pid) };
  };
  const found = await until('it is ready', check, { withinMs: 60_000, everyMs: 200, signal }).catch(String);
  if (typeof found === 'object') return found;
  const { stderr } = await execa('docker', ['logs', '--tail', '30', id], { reject: false });
  throw new Error(`container ${id.slice(0, 12)} of ${name} did not become ready: ${found}\n${stderr}`);
}

async function addressOutside(id: string, address: string): Promise<string> {
  const [credentials = '', port = '', path = ''] = address.split(/(?<=@)(\d+)/);
  const [at] = (await docker('port', id, port)).split('\n');
  return `${credentials}${at}${path}`;
}

const docker = async (...args: string[]) => (await execa('docker', args)).stdout.trim();
