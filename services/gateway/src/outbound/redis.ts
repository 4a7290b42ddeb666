// The gateway's connection to Redis: its state, its scripts and its clock.
import { readFileSync } from 'node:fs';
import { keyOf, PROBE_KEY } from '@flashsale/contracts/keys';
import type { Log } from '@flashsale/runtime/log';
import { Redis } from 'ioredis';
import type { Clock } from '../domain/ports.ts';
import { GATE_SCRIPTS, type GateScript } from './gate/scripts.ts';

const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_WAIT_MS = 1_000;
const OLDEST_MAJOR_VERSION = 7;
/** Longer than several refreshes of the gates, each of which reads the clock. */
const CLOCK_TRUSTED_FOR_MS = 10_000;

type Args = (string | number)[];

export interface GateRedis {
  client: Redis;
  clock: Clock;
  /** Why this server cannot guard a gate. */
  refusal: string | undefined;
  readTime(): Promise<void>;
  /** Why the gate cannot use Redis just now. Found by a write: a silent server keeps its connections, a replica responds to PING. */
  problems(): Promise<string[]>;
  script(name: keyof typeof SCRIPTS, keys: string[], args?: Args): Promise<unknown>;
  /** On the keys of that sale which the script names; `epoch`: of the staged ones. */
  gateScript(name: GateScript, saleId: string, args?: Args, epoch?: number): Promise<unknown>;
  stop(): Promise<void>;
}

const SHOW = readFileSync(new URL('show.lua', import.meta.url), 'utf8');
const PROBE = `#!lua flags=allow-oom
  -- probe: whether this Redis takes writes.
  local probe = unpack(KEYS)
  return redis.call('SET', probe, '', 'PX', 1000)`;
const SCRIPTS = { ...GATE_SCRIPTS, show: { numberOfKeys: 1, lua: SHOW }, probe: { numberOfKeys: 1, lua: PROBE } };
type Scripts = Record<string, (...args: Args) => Promise<unknown>>;

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
    // A demoted primary keeps its connections; the address may lead to the new one by now. `true` does not resend.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  const clock = createRedisClock();
  const script: GateRedis['script'] = (name, keys, args = []) =>
    (client as unknown as Scripts)[name]?.(...keys, ...args) as Promise<unknown>;

  async function readTime() {
    const [seconds, micros] = await client.time();
    clock.set(Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000));
  }

  const redis: GateRedis = {
    client,
    clock,
    refusal: undefined,
    readTime,
    async problems() {
      if (redis.refusal) return [redis.refusal];
      return script('probe', [PROBE_KEY]).then(
        () => [],
        (error: Error) => [client.status === 'ready' ? `redis cannot be written: ${error.message}` : 'no redis'],
      );
    },
    script,
    gateScript: (name, saleId, args, epoch) =>
      script(
        name,
        GATE_SCRIPTS[name].keys.map((key) => keyOf(saleId, key, epoch)),
        args,
      ),
    async stop() {
      await client.quit().catch(() => client.disconnect());
    },
  };

  async function inspect() {
    const found = refusalOf(await client.info());
    if (found && found !== redis.refusal) log.error({ url: new URL(url).host }, found);
    redis.refusal = found;
    if (found) return;
    await readTime();
    log.info({ url: new URL(url).host }, 'connected to redis');
  }

  client.on('error', (error) => log.warn({ error: error.message }, 'redis'));
  // The next connection may lead to another machine.
  client.on('close', clock.forget);
  // A connection that cannot be inspected is replaced, and the next one inspected.
  client.on('ready', () => void inspect().catch(() => client.disconnect(true)));
  return redis;
}

/** Without a role and the id of its data a server cannot guard a gate. */
function refusalOf(info: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const version = field('redis_version');
  const fits = Number.parseInt(version ?? '', 10) >= OLDEST_MAJOR_VERSION && field('role') && field('master_replid');
  if (fits) return undefined;
  return `the gate needs Redis ${OLDEST_MAJOR_VERSION} or newer, or Valkey, and this server is ${version ?? 'neither'}`;
}

/** Redis' clock, as estimated between two readings of it. */
export function createRedisClock(monotonicMs: () => number = () => performance.now()) {
  let reading: { timeMs: number; atMs: number } | undefined;
  return {
    nowMs() {
      if (!reading) return undefined;
      const since = monotonicMs() - reading.atMs;
      return since > CLOCK_TRUSTED_FOR_MS ? undefined : Math.floor(reading.timeMs + since);
    },
    /** Counted from the reply's arrival, so the estimate is behind Redis by the time that the reply took. */
    set(timeMs: number) {
      reading = { timeMs, atMs: monotonicMs() };
    },
    forget() {
      reading = undefined;
    },
  };
}
