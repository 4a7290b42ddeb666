// The whole system on this machine without Docker: three private servers, five supervised services.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { type AddressBook, type ServiceName, writeAddressBook } from '../address-book/address-book.ts';
import { createDatabase } from './databases.ts';
import { claim, ROOT, release, removeDir, sweepLeftovers } from './leftovers.ts';
import { startTime } from './pids.ts';
import { freePorts } from './ports.ts';
import { newSecret, once, type Say, type Servers } from './server.ts';
import { startServers } from './servers.ts';
import { type Service, type ServiceEvent, supervise } from './supervisor.ts';
import { environments, forEachService, type Ports, SERVICES, type Settings } from './wiring.ts';

const WATCH_EVERY_MS = 500;

export type { AddressBook, ServiceEvent, Settings };
export type Stack = AddressBook & { services: Record<ServiceName, Service>; stop(): Promise<void> };
type ServerName = Exclude<keyof Servers, 'stop'>;
export type StartStack = {
  dir: string;
  settings?: Settings;
  onEvent?: (event: ServiceEvent) => void;
  /** A server ended, which nobody starts again: what was in it is gone. */
  onLost?: (server: ServerName) => void;
  say?: Say;
  /** Leave logs and data where they are after stop(). */
  keep?: boolean;
  /** Gives up starting; whatever was started is stopped. */
  signal?: AbortSignal;
};

export async function startStack(options: StartStack): Promise<Stack> {
  const { dir, settings = {}, onEvent = () => {}, onLost = () => {}, say = () => {}, keep = false, signal } = options;
  await sweepLeftovers(say);
  await claim(dir);
  const undo: (() => Promise<void>)[] = [async () => (keep ? release(dir) : removeDir(dir))];
  const stop = once(async () => {
    for (const step of undo.toReversed()) await step().catch((error) => say(`while stopping: ${error}`));
  });
  try {
    const servers = await startServers({ dir, say, signal });
    undo.push(servers.stop, watchServers(servers, onLost));
    const ports = await servicePorts();
    const info = await describe(dir, servers, ports);
    const services = startServices(info, environments(info, ports, settings), ports, onEvent);
    // Started towards the gateway, stopped from it: who calls goes before who is called.
    for (const name of SERVICES) undo.push(services[name].stop);
    await allReady(services, signal);
    return { ...info, services, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Answers how to stop watching. */
function watchServers(servers: Servers, onLost: (server: ServerName) => void): () => Promise<void> {
  const alive = new Map(
    (['postgres', 'redis', 'rabbitmq'] as const).map((name) => [name, startTime(servers[name].pid)]),
  );
  const timer = setInterval(() => {
    for (const [name, started] of alive) {
      if (startTime(servers[name].pid) === started) continue;
      alive.delete(name);
      onLost(name);
    }
  }, WATCH_EVERY_MS);
  return async () => clearInterval(timer);
}

function servicePorts(): Promise<Ports> {
  return freePorts(SERVICES.flatMap((name) => [name, `${name}Ops` as const]));
}

async function describe(dir: string, servers: Servers, ports: Ports): Promise<AddressBook> {
  const { postgres, redis, rabbitmq } = servers;
  const [orders, inventory, payment] = await Promise.all(
    ['orders', 'inventory', 'payment'].map((name) => createDatabase(postgres.url, name, newSecret())),
  );
  const at = (port: number) => `127.0.0.1:${port}`;
  return {
    dir,
    gatewayUrl: `http://${at(ports.gateway)}`,
    bankUrl: `http://${at(ports.bank)}`,
    bankApiKey: newSecret(),
    tokenSecret: randomBytes(32).toString('base64url'),
    redisUrl: redis.url,
    amqpUrl: rabbitmq.url,
    rabbitManagementUrl: rabbitmq.managementUrl,
    databases: { orders, inventory, payment } as AddressBook['databases'],
    addresses: { orders: at(ports.orders), inventory: at(ports.inventory), payment: at(ports.payment) },
    ops: forEachService((name) => `http://${at(ports[`${name}Ops`])}`),
    pids: { postgres: postgres.pid, redis: redis.pid, rabbitmq: rabbitmq.pid },
    ownerPid: process.pid,
  };
}

function startServices(
  info: AddressBook,
  env: Record<ServiceName, Record<string, string>>,
  ports: Ports,
  onEvent: (event: ServiceEvent) => void,
): Record<ServiceName, Service> {
  fs.mkdirSync(join(info.dir, 'bank'), { recursive: true });
  const remember = (event: ServiceEvent) => {
    if (event.event === 'started' && event.pid) {
      info.pids[event.service] = event.pid;
      writeAddressBook(info);
    }
    onEvent(event);
  };
  return forEachService((name) => {
    const file = join(ROOT, 'services', name, 'src/main.ts');
    const opsPort = ports[`${name}Ops`];
    return supervise({ dir: info.dir, name, file, env: env[name], opsPort, onEvent: remember });
  });
}

async function allReady(services: Record<ServiceName, Service>, signal: AbortSignal | undefined): Promise<void> {
  const given = Promise.withResolvers<never>();
  const giveUp = () => given.reject(signal?.reason);
  signal?.addEventListener('abort', giveUp);
  try {
    signal?.throwIfAborted();
    await Promise.race([Promise.all(Object.values(services).map((service) => service.ready())), given.promise]);
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}
