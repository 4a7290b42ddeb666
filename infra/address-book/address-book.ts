// stack.json: what another process (audit, token, down) must know to speak to a running stack.
import fs from 'node:fs';
import { join, relative } from 'node:path';
import type { TokenSecrets } from '../buyers/buyers.ts';
import { LOCAL, ownerOf, ROOT } from '../native/leftovers.ts';

export type ServiceName = 'bank' | 'inventory' | 'payment' | 'orders' | 'gateway';
/** A service is started after those it calls. */
export const SERVICES: ServiceName[] = ['bank', 'inventory', 'payment', 'orders', 'gateway'];

/** One process of a service. Its log is `logs/NAME.log`, and its pid is in `pids` under its name. */
export type Replica = { name: string; address: string; ops: string };
export type AtLeastOne<T> = [T, ...T[]];

export type AddressBook = {
  dir: string;
  gatewayUrl: string;
  bankUrl: string;
  bankApiKey: string;
  tokenSecrets: TokenSecrets;
  redisUrl: string;
  amqpUrl: string;
  rabbitManagementUrl: string;
  databases: Record<'orders' | 'inventory' | 'payment', string>;
  addresses: Record<'orders' | 'inventory' | 'payment', string>;
  ops: Record<ServiceName, string>;
  /** All processes of each service. `gatewayUrl`, `addresses` and `ops` are the first one's; gateways share the URL. */
  replicas: Record<ServiceName, AtLeastOne<Replica>>;
  pids: Record<string, number>;
  ownerPid: number;
};

export const UP = join(LOCAL, 'up');

// For its user alone: it holds every password of the run.
export function writeAddressBook(stack: AddressBook): void {
  const file = join(stack.dir, 'stack.json');
  const addresses = { ...stack, services: undefined };
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** The stack in `dir`, else the one of `npm run up`, else the newest that runs under .local. */
export function readAddressBook(dir?: string): AddressBook {
  const changedAt = (one: string) => fs.statSync(one).mtimeMs;
  const runs = fs.globSync('*', { cwd: LOCAL }).map((name) => join(LOCAL, name));
  runs.sort((a, b) => changedAt(b) - changedAt(a));
  const found = dir ?? [UP, ...runs].find((one) => ownerOf(one) && fs.existsSync(join(one, 'stack.json')));
  if (!found) throw new Error('no stack is running: start one with `npm run up`');
  return JSON.parse(fs.readFileSync(join(found, 'stack.json'), 'utf8'));
}

/** The table that `npm run up` and the demo print; without a password. */
export function describeAddresses(stack: AddressBook): string[] {
  const { replicas, databases, redisUrl, amqpUrl, rabbitManagementUrl, pids, dir } = stack;
  const row = (name: string, address: string, more = '') =>
    `  ${name.padEnd(10)} ${address.padEnd(22)} ${more.padEnd(32)} pid ${pids[name]}`;
  const here = (file: string) => join(relative(ROOT, dir), file);
  return [
    ...SERVICES.toReversed().flatMap((service) =>
      replicas[service].map(({ name, address, ops }) => row(name, address, `ops ${ops}`)),
    ),
    row('postgres', new URL(databases.orders).host),
    row('redis', new URL(redisUrl).host),
    row('rabbitmq', new URL(amqpUrl).host, `web ${new URL(rabbitManagementUrl).origin}`),
    `  passwords  ${here('stack.json')}, logs ${here('logs')}`,
    `  a token    npm run --silent token -- --buyer alice   (--admin for the admin's)`,
  ];
}

export const isStackNamed = (env = process.env) => Boolean(env.GATEWAY_URL);

/** As much of the stack that the environment names as a demo must know; rejects when its gateway does not respond. */
export async function namedAddressBook(env = process.env) {
  const of = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`GATEWAY_URL names a running stack, so ${name} must be set too`);
    return value;
  };
  const gatewayUrl = of('GATEWAY_URL');
  await fetch(new URL('/v1/sales', gatewayUrl), { signal: AbortSignal.timeout(5_000) }).catch((error) => {
    throw new Error(`no shop answers at ${gatewayUrl} (${error.cause?.message ?? error.message}): is it up?`);
  });
  const tokenSecrets = { buyer: of('BUYER_TOKEN_SECRET'), admin: of('ADMIN_TOKEN_SECRET') };
  const shop = { gatewayUrl, bankUrl: of('BANK_URL'), bankApiKey: of('BANK_API_KEY'), tokenSecrets };
  const database = (name: string) => of(`${name}_DATABASE_URL`);
  const databases = { orders: database('ORDERS'), inventory: database('INVENTORY'), payment: database('PAYMENT') };
  return { ...shop, redisUrl: of('REDIS_URL'), amqpUrl: of('AMQP_URL'), databases };
}
