// Which service gets which setting: the addresses, ports and secrets of one stack, spelled as each config.ts reads them.
import { join } from 'node:path';
import type { AddressBook, ServiceName } from '../address-book/address-book.ts';

type Environments = Record<ServiceName, Record<string, string>>;
export type Ports = Record<ServiceName | `${ServiceName}Ops`, number>;
export type Settings = Partial<Environments>;

export const SERVICES: ServiceName[] = ['bank', 'inventory', 'payment', 'orders', 'gateway'];

export function environments(stack: AddressBook, ports: Ports, settings: Settings): Environments {
  const { databases, addresses, bankUrl, bankApiKey, redisUrl, amqpUrl, tokenSecret } = stack;
  const own: Environments = {
    bank: {
      HTTP_PORT: String(ports.bank),
      BANK_API_KEY: bankApiKey,
      STORE_FILE: join(stack.dir, 'bank', 'statement.jsonl'),
    },
    inventory: { GRPC_PORT: String(ports.inventory), DATABASE_URL: databases.inventory },
    payment: {
      GRPC_PORT: String(ports.payment),
      DATABASE_URL: databases.payment,
      BANK_URL: bankUrl,
      BANK_API_KEY: bankApiKey,
    },
    orders: {
      GRPC_PORT: String(ports.orders),
      DATABASE_URL: databases.orders,
      AMQP_URL: amqpUrl,
      INVENTORY_ADDRESS: addresses.inventory,
      PAYMENT_ADDRESS: addresses.payment,
    },
    gateway: {
      HTTP_PORT: String(ports.gateway),
      REDIS_URL: redisUrl,
      AMQP_URL: amqpUrl,
      ORDERS_ADDRESS: addresses.orders,
      INVENTORY_ADDRESS: addresses.inventory,
      TOKEN_SECRET: tokenSecret,
    },
  };
  const common = (name: ServiceName) => ({
    HOST: '127.0.0.1',
    OPS_PORT: String(ports[`${name}Ops`]),
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
  });
  return forEachService((name) => ({ ...common(name), ...own[name], ...settings[name] }));
}

export function forEachService<T>(make: (name: ServiceName) => T): Record<ServiceName, T> {
  return Object.fromEntries(SERVICES.map((name) => [name, make(name)])) as Record<ServiceName, T>;
}
