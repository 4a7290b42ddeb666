// What the figures were measured on: asked of the machine and of the servers themselves.
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import amqp from 'amqplib';
import type { Stores } from '../../infra/audit/stores.ts';

export interface Environment {
  at: string;
  commit: string | null;
  cpu: string;
  cores: number;
  memoryGiB: number;
  os: string;
  node: string;
  postgres: string;
  redis: string;
  rabbitmq: string;
}

export async function readEnvironment(stores: Stores, amqpUrl: string): Promise<Environment> {
  const [postgres, redis, rabbitmq, commit] = await Promise.all([
    stores.orders.query<{ version: string }>(`SELECT current_setting('server_version') AS version`),
    stores.redis.info('server'),
    rabbitVersion(amqpUrl),
    commitHere(),
  ]);
  const cpus = os.cpus();
  return {
    at: new Date().toISOString(),
    commit,
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    os: `${os.type()} ${os.release()} ${os.machine()}`,
    node: process.version,
    postgres: postgres.rows[0]?.version ?? 'unknown',
    redis: /^redis_version:(.*)$/m.exec(redis)?.[1]?.trim() ?? 'unknown',
    rabbitmq,
  };
}

async function rabbitVersion(url: string): Promise<string> {
  const connection = await amqp.connect(url);
  connection.on('error', () => undefined);
  const { version } = connection.connection.serverProperties;
  await connection.close();
  return String(version);
}

/** Null outside a clone, `+` at the end where it was changed. */
async function commitHere(): Promise<string | null> {
  const git = promisify(execFile);
  const options = { cwd: import.meta.dirname };
  try {
    const { stdout: commit } = await git('git', ['rev-parse', '--short', 'HEAD'], options);
    const { stdout: changes } = await git('git', ['status', '--porcelain'], options);
    return `${commit.trim()}${changes ? '+' : ''}`;
  } catch {
    return null;
  }
}

export function describeEnvironment({
  at,
  commit,
  cpu,
  cores,
  memoryGiB,
  os,
  node,
  ...servers
}: Environment): string[] {
  return [
    `${cores} × ${cpu}, ${memoryGiB} GiB`,
    `${os}, Node ${node.slice(1)}`,
    `PostgreSQL ${servers.postgres}, Redis ${servers.redis}, RabbitMQ ${servers.rabbitmq}`,
    `${at}${commit ? `, commit ${commit}` : ''}`,
  ];
}
