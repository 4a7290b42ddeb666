// The gateway's connection to Redis, and which Redis process it leads to.
import { readFileSync } from 'node:fs';
import type { Log } from '@flashsale/runtime/log';
import { Redis } from 'ioredis';
import { GATE_SCRIPTS } from './gate/scripts.ts';

const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_WAIT_MS = 1_000;

export interface GateRedis {
  client: Redis;
  /** `run_id:master_replid` of the Redis at the other end, or undefined when that is not known just now. */
  process(): string | undefined;
  /** Asked, not believed: a server that is silent keeps its connections. */
  answers(): Promise<boolean>;
  script(name: keyof typeof SCRIPTS, keys: string[], args: (string | number)[]): Promise<unknown>;
  stop(): Promise<void>;
}

const SCRIPTS = {
  ...GATE_SCRIPTS,
  show: { numberOfKeys: 1, lua: readFileSync(new URL('show.lua', import.meta.url), 'utf8') },
};

export function createRedis(url: string, log: Log): GateRedis {
  const client = new Redis(url, {
    scripts: SCRIPTS,
    enableAutoPipelining: true,
    // By default ioredis sends a decrement again after a reconnect, and runs commands for callers that have gone.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(times * 50, LONGEST_WAIT_MS),
  });
  let process: string | undefined;
  client.on('error', (error) => log.warn({ error: error.message }, 'redis'));
  // Forgotten before the next connection can exist, so that no command reaches a new Redis with the old one's name.
  client.on('close', () => {
    process = undefined;
  });
  client.on('ready', () => {
    identify(client).then(
      (name) => {
        process = name;
        log.info({ process: name }, 'connected to redis');
      },
      // A connection that cannot say what it leads to is no use; the next one is asked again.
      () => client.disconnect(true),
    );
  });

  type Scripts = Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return {
    client,
    process: () => (client.status === 'ready' ? process : undefined),
    answers: () =>
      client.ping().then(
        () => process !== undefined,
        () => false,
      ),
    script: (name, keys, args) => (client as unknown as Scripts)[name]?.(...keys, ...args) as Promise<unknown>,
    async stop() {
      await client.quit().catch(() => client.disconnect());
    },
  };
}

async function identify(client: Redis): Promise<string> {
  const info = await client.info();
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  return `${field('run_id')}:${field('master_replid')}`;
}
