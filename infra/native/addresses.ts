// Where the processes of a stack listen, and the environment that each of them gets.
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type AddressBook, type Replica, SERVICES, type ServiceName } from '../address-book/address-book.ts';
import { createDatabases } from './namespace.ts';
import { freePort } from './ports.ts';
import type { Servers } from './servers.ts';

const newSecret = () => randomBytes(32).toString('base64url');

export type ByService<T> = Record<ServiceName, T>;

export async function layOut(dir: string, servers: Servers, counts: Partial<ByService<number>>): Promise<AddressBook> {
  const { postgres, redis, rabbitmq } = servers;
  const replicas = await place(counts);
  const { gateway, bank, orders, inventory, payment } = forEachService((name) => replicas[name][0].address);
  return {
    dir,
    gatewayUrl: gateway,
    bankUrl: bank,
    bankApiKey: randomUUID(),
    tokenSecrets: { buyer: newSecret(), admin: newSecret() },
    redisUrl: redis.url,
    amqpUrl: rabbitmq.url,
    rabbitManagementUrl: rabbitmq.managementUrl ?? '',
    databases: await createDatabases(postgres.url),
    addresses: { orders, inventory, payment },
    ops: forEachService((name) => replicas[name][0].ops),
    replicas,
    pids: { postgres: postgres.pid, redis: redis.pid, rabbitmq: rabbitmq.pid },
    ownerPid: process.pid,
  };
}

/** Gateways share their port; every other process has its own. */
async function place(counts: Partial<ByService<number>>): Promise<AddressBook['replicas']> {
  const http = async () => `http://127.0.0.1:${await freePort()}`;
  const grpc = async () => `127.0.0.1:${await freePort()}`;
  const gatewayUrl = await http();
  const addresses = { gateway: async () => gatewayUrl, bank: http, orders: grpc, inventory: grpc, payment: grpc };
  const replica = async (service: ServiceName, nth: number): Promise<Replica> => ({
    name: nth === 1 ? service : `${service}-${nth}`,
    address: await addresses[service](),
    ops: await http(),
  });
  const placed = {} as AddressBook['replicas'];
  for (const service of SERVICES) {
    placed[service] = [await replica(service, 1)];
    for (let nth = 2; nth <= (counts[service] ?? 1); nth++) placed[service].push(await replica(service, nth));
  }
  return placed;
}

export const portOf = (address: string) => Number(address.split(':').at(-1));

/** Spelled as each config.ts reads them. */
export function environmentOf(
  stack: AddressBook,
  service: ServiceName,
  { address, ops }: Replica,
): Record<string, string> {
  const { dir, bankUrl, bankApiKey, databases, addresses, replicas, tokenSecrets } = stack;
  const ports = { HOST: '127.0.0.1', OPS_PORT: String(portOf(ops)), LOG_LEVEL: process.env.LOG_LEVEL ?? 'info' };
  const http = { ...ports, HTTP_PORT: String(portOf(address)) };
  const grpc = { ...ports, GRPC_PORT: String(portOf(address)) };
  const amqp = { AMQP_URL: stack.amqpUrl };
  const inventory = { INVENTORY_ADDRESS: addresses.inventory };
  const orders = { ORDERS_ADDRESS: `ipv4:${replicas.orders.map((worker) => worker.address)}` };
  const tokens = { BUYER_TOKEN_SECRET: tokenSecrets.buyer, ADMIN_TOKEN_SECRET: tokenSecrets.admin };
  const gateway = { REDIS_URL: stack.redisUrl, ...tokens };
  const several = { HTTP_REUSE_PORT: String(replicas.gateway.length > 1) };
  const own = {
    bank: { ...http, BANK_API_KEY: bankApiKey, STORE_FILE: join(dir, 'bank', 'statement.jsonl') },
    inventory: { ...grpc, DATABASE_URL: databases.inventory },
    payment: { ...grpc, DATABASE_URL: databases.payment, BANK_URL: bankUrl, BANK_API_KEY: bankApiKey },
    orders: { ...grpc, DATABASE_URL: databases.orders, ...amqp, ...inventory, PAYMENT_ADDRESS: addresses.payment },
    gateway: { ...http, ...several, ...amqp, ...inventory, ...orders, ...gateway },
  };
  return own[service];
}

export const forEachService = <T>(make: (name: ServiceName) => T) =>
  Object.fromEntries(SERVICES.map((name) => [name, make(name)])) as ByService<T>;
