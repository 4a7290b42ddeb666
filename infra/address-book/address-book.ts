// stack.json: what another process (audit, token, down) must know to speak to a running stack.
import fs from 'node:fs';
import { join } from 'node:path';
import { LOCAL } from '../native/leftovers.ts';
import { ownerOf } from '../native/pids.ts';

export type ServiceName = 'bank' | 'inventory' | 'payment' | 'orders' | 'gateway';
export type AddressBook = {
  dir: string;
  gatewayUrl: string;
  bankUrl: string;
  bankApiKey: string;
  tokenSecret: string;
  redisUrl: string;
  amqpUrl: string;
  rabbitManagementUrl: string;
  databases: Record<'orders' | 'inventory' | 'payment', string>;
  addresses: Record<'orders' | 'inventory' | 'payment', string>;
  ops: Record<ServiceName, string>;
  pids: Record<string, number>;
  ownerPid: number;
};

export const UP = join(LOCAL, 'up');

// It holds every password of the run.
export function writeAddressBook(info: AddressBook): void {
  const file = join(info.dir, 'stack.json');
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(info, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** The stack in `dir`, else the one of `npm run up`, else the newest that runs under .local. */
export function readAddressBook(dir?: string): AddressBook {
  const found = dir ?? [UP, ...runsByAge()].find((one) => ownerOf(one) && fs.existsSync(join(one, 'stack.json')));
  if (!found) throw new Error('no stack is running: start one with `npm run up`');
  return JSON.parse(fs.readFileSync(join(found, 'stack.json'), 'utf8'));
}

function runsByAge(): string[] {
  if (!fs.existsSync(LOCAL)) return [];
  const dirs = fs.readdirSync(LOCAL).map((name) => join(LOCAL, name));
  return dirs.sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
}

/** What a demo must know of the stack it runs on. */
export type NamedAddressBook = Pick<
  AddressBook,
  'gatewayUrl' | 'bankUrl' | 'bankApiKey' | 'tokenSecret' | 'redisUrl' | 'amqpUrl' | 'databases'
>;

const ANSWER_MS = 5_000;

export const isStackNamed = (env = process.env) => Boolean(env.GATEWAY_URL);

export async function namedAddressBook(env = process.env): Promise<NamedAddressBook> {
  const of = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`GATEWAY_URL names a running stack, so ${name} must be set too`);
    return value;
  };
  const gatewayUrl = of('GATEWAY_URL');
  await fetch(new URL('/v1/sales', gatewayUrl), { signal: AbortSignal.timeout(ANSWER_MS) }).catch((error) => {
    throw new Error(`no shop answers at ${gatewayUrl} (${error.cause?.message ?? error.message}): is it up?`);
  });
  return {
    gatewayUrl,
    bankUrl: of('BANK_URL'),
    bankApiKey: of('BANK_API_KEY'),
    tokenSecret: of('TOKEN_SECRET'),
    redisUrl: of('REDIS_URL'),
    amqpUrl: of('AMQP_URL'),
    databases: {
      orders: of('ORDERS_DATABASE_URL'),
      inventory: of('INVENTORY_DATABASE_URL'),
      payment: of('PAYMENT_DATABASE_URL'),
    },
  };
}
