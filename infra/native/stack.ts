// The whole system on this machine: three private servers, five supervised services.
import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { type AddressBook, SERVICES, type ServiceName, writeAddressBook } from '../address-book/address-book.ts';
import { identityOf, isAlive, ROOT } from './leftovers.ts';
import { createDatabases } from './namespace.ts';
import { freePorts } from './ports.ts';
import { type ServerName, type Servers, startServers } from './servers.ts';
import { unlessEnded } from './signals.ts';
import { type Service, type ServiceEvent, supervise } from './supervisor.ts';

type ByService<T> = Record<ServiceName, T>;
type OnEvent = (event: ServiceEvent) => void;
type Settings = Partial<ByService<Record<string, string>>>;
export type Stack = AddressBook & { services: ByService<Service>; stop(): Promise<void> };
type StartStack = {
  dir: string;
  settings?: Settings;
  onEvent?: OnEvent | undefined;
  /** A server ended. It is not started again: what was in it is gone. */
  onLost?: (server: ServerName) => void;
  say?: (line: string) => void;
  /** Leave logs and data where they are after stop(). */
  keep?: boolean;
  /** Gives up starting; whatever was started is stopped. */
  signal?: AbortSignal;
};

const WATCH_EVERY_MS = 500;

export async function startStack(options: StartStack): Promise<Stack> {
  const { dir, settings = {}, onEvent, onLost = () => {}, say = () => {}, keep = false } = options;
  const { signal = new AbortController().signal } = options;
  await using undo = new AsyncDisposableStack();
  const servers = await startServers({ dir, say, signal, undo, keep });
  undo.defer(watch(servers, onLost));
  const info = await describe(dir, servers);
  fs.mkdirSync(join(dir, 'bank'));
  const services = forEachService((name) => startService(info, name, settings[name], onEvent));
  // Stopped from the gateway: a caller goes before those it calls.
  for (const name of SERVICES) undo.defer(services[name].stop);
  await unlessEnded(signal, Promise.all(SERVICES.map((name) => services[name].ready())));
  const started = undo.move();
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= started.disposeAsync().catch((error) => say(`while stopping: ${error}`)));
  return { ...info, services, stop };
}

/** Returns how to stop watching. */
function watch(servers: Servers, onLost: (server: ServerName) => void): () => void {
  const names = ['postgres', 'redis', 'rabbitmq'] as const;
  const alive = new Map(names.map((name) => [name, identityOf(servers[name].pid)]));
  const timer = setInterval(() => {
    for (const [name, server] of alive) if (!isAlive(server) && alive.delete(name)) onLost(name);
  }, WATCH_EVERY_MS);
  return () => clearInterval(timer);
}

async function describe(dir: string, { postgres, redis, rabbitmq }: Servers): Promise<AddressBook> {
  const ports = await freePorts(SERVICES.flatMap((name) => [name, `${name}Ops` as const]));
  const at = (name: keyof typeof ports) => `127.0.0.1:${ports[name]}`;
  return {
    dir,
    gatewayUrl: `http://${at('gateway')}`,
    bankUrl: `http://${at('bank')}`,
    bankApiKey: randomUUID(),
    tokenSecret: randomBytes(32).toString('base64url'),
    redisUrl: redis.url,
    amqpUrl: rabbitmq.url,
    rabbitManagementUrl: rabbitmq.managementUrl ?? '',
    databases: await createDatabases(postgres.url),
    addresses: { orders: at('orders'), inventory: at('inventory'), payment: at('payment') },
    ops: forEachService((name) => `http://${at(`${name}Ops`)}`),
    pids: { postgres: postgres.pid, redis: redis.pid, rabbitmq: rabbitmq.pid },
    ownerPid: process.pid,
  };
}

/** One service of a stack, with the addresses and secrets of that stack, which learns its pid. */
export function startService(stack: AddressBook, name: ServiceName, settings = {}, onEvent?: OnEvent): Service {
  const remember = (event: ServiceEvent) => {
    if (event.event === 'started' && event.pid) {
      stack.pids[name] = event.pid;
      writeAddressBook(stack);
    }
    onEvent?.(event);
  };
  const file = join(ROOT, 'services', name, 'src/main.ts');
  const env = { ...environmentOf(stack, name), ...settings };
  return supervise({ dir: stack.dir, name, file, env, opsPort: portOf(stack.ops[name]), onEvent: remember });
}

const portOf = (address: string) => Number(address.split(':').at(-1));

/** Spelled as each config.ts reads them. */
function environmentOf(stack: AddressBook, name: ServiceName): Record<string, string> {
  const { dir, gatewayUrl, bankUrl, bankApiKey, databases, addresses, ops } = stack;
  const at = { gateway: gatewayUrl, bank: bankUrl, ...addresses };
  const ports = { HOST: '127.0.0.1', OPS_PORT: String(portOf(ops[name])), LOG_LEVEL: process.env.LOG_LEVEL ?? 'info' };
  const http = { ...ports, HTTP_PORT: String(portOf(at[name])) };
  const grpc = { ...ports, GRPC_PORT: String(portOf(at[name])) };
  const amqp = { AMQP_URL: stack.amqpUrl };
  const inventory = { INVENTORY_ADDRESS: addresses.inventory };
  const gateway = { REDIS_URL: stack.redisUrl, ORDERS_ADDRESS: addresses.orders, TOKEN_SECRET: stack.tokenSecret };
  const own = {
    bank: { ...http, BANK_API_KEY: bankApiKey, STORE_FILE: join(dir, 'bank', 'statement.jsonl') },
    inventory: { ...grpc, DATABASE_URL: databases.inventory },
    payment: { ...grpc, DATABASE_URL: databases.payment, BANK_URL: bankUrl, BANK_API_KEY: bankApiKey },
    orders: { ...grpc, DATABASE_URL: databases.orders, ...amqp, ...inventory, PAYMENT_ADDRESS: addresses.payment },
    gateway: { ...http, ...amqp, ...inventory, ...gateway },
  };
  return own[name];
}

const forEachService = <T>(make: (name: ServiceName) => T) =>
  Object.fromEntries(SERVICES.map((name) => [name, make(name)])) as ByService<T>;
