// The machine, the versions of the servers and the commit that figures were measured on.
import os from 'node:os';
import amqp from 'amqplib';
import { execa } from 'execa';
import type { Stores } from '../../infra/audit/stores.ts';

export type Environment = Awaited<ReturnType<typeof readEnvironment>>;

export async function readEnvironment(stores: Stores, amqpUrl: string) {
  const [postgres, redis, rabbitmq, commit] = await Promise.all([
    stores.orders.query<{ version: string }>(`SELECT current_setting('server_version') AS version`),
    stores.redis.info('server'),
    rabbitVersion(amqpUrl),
    commitHere(),
  ]);
  return {
    at: new Date().toISOString(),
    commit,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
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

/** Null outside a clone, `+` at the end where it was changed; a report that is written over is no change. */
async function commitHere(): Promise<string | null> {
  const git = execa({ cwd: import.meta.dirname, reject: false });
  const { stdout: commit } = await git`git rev-parse --short HEAD`;
  const { stdout: changes } = await git`git status --porcelain -- :/ ${':(top,exclude)loadtest/results'}`;
  return commit ? `${commit}${changes ? '+' : ''}` : null;
}

export const describeEnvironment = (on: Environment): string[] => [
  `${on.cores} × ${on.cpu}, ${on.memoryGiB} GiB`,
  `${on.os}, Node ${on.node.slice(1)}`,
  `PostgreSQL ${on.postgres}, Redis ${on.redis}, RabbitMQ ${on.rabbitmq}`,
  `${on.at}${on.commit ? `, commit ${on.commit}` : ''}`,
];
