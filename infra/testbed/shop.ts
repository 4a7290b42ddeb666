// The whole shop in one process for a test: the five services as they are, on real servers, in an own namespace.
// Wires and proxies lie between them, so that a test can lose, delay and repeat what crosses a process boundary.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InventoryServiceClient, InventoryServiceService } from '@flashsale/contracts/inventory';
import { OrdersServiceClient, OrdersServiceService } from '@flashsale/contracts/orders';
import { PaymentServiceClient, PaymentServiceService } from '@flashsale/contracts/payment';
import { inventoryProto, ordersProto, paymentProto } from '@flashsale/contracts/proto';
import { createTokens } from '../buyers/buyers.ts';
import { createBank } from '../clients/bank.ts';
import { openNamespace } from '../native/namespace.ts';
import { until } from '../until.ts';
import { createBuying } from './buying.ts';
import { openEvidence } from './evidence.ts';
import { proxyRpc } from './rpc-proxy.ts';
import { openBroker } from './servers.ts';
import { type Env, startService } from './services.ts';
import { layWire } from './wire.ts';

export type ShopSettings = Partial<Record<'bank' | 'inventory' | 'payment' | 'orders' | 'gateway', Env>>;
export type TestShop = Awaited<ReturnType<typeof openShop>>;

const SECRET = 'a-secret-for-tests-only-0123456789-0123456789';
const API_KEY = 'a-bank-api-key-for-tests-only-0123456789';
const COMMON = { LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent', HTTP_PORT: '0', GRPC_PORT: '0' };
/** Tests do not wait for timeouts that are made for a crowd. */
const SHORT_TIMEOUTS: ShopSettings = {
  bank: { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '1', LATENCY_P99_MS: '2' },
  inventory: { REOPEN_DAMPING_MS: '200' },
  orders: { JOBS_EVERY_MS: '200', COMPENSATE_AFTER_MS: '1500', CHARGE_TIMEOUT_MS: '1000' },
  gateway: {
    REFRESH_MS: '200',
    UNSENT_DUE_MS: '1500',
    SENT_DUE_MS: '1500',
    RPC_DEADLINE_MS: '10000',
    CONFIRM_TIMEOUT_MS: '20000',
    CLICKS_PER_BUYER: '1000',
    REBUILD_COURTESY_MS: '2000',
  },
};
const RPC = {
  inventory: { service: InventoryServiceService, Client: InventoryServiceClient, protoFile: inventoryProto },
  payment: { service: PaymentServiceService, Client: PaymentServiceClient, protoFile: paymentProto },
  orders: { service: OrdersServiceService, Client: OrdersServiceClient, protoFile: ordersProto },
};

export async function openShop(settings: ShopSettings = {}) {
  // A start that fails closes what it had opened; the shop's `close` does so otherwise.
  await using opening = new AsyncDisposableStack();
  const closed = <T extends { close(): unknown }>(it: T) => opening.adopt(it, async () => void (await it.close()));
  const stopped = <T extends { stop(): unknown }>(it: T) => opening.adopt(it, async () => void (await it.stop()));
  const env = (service: keyof ShopSettings, addresses: Env): Env => ({
    ...COMMON,
    ...addresses,
    ...SHORT_TIMEOUTS[service],
    ...settings[service],
  });

  const namespace = closed(await openNamespace());
  const { redisUrl, amqpUrl, databases } = namespace;
  const folder = await mkdtemp(join(tmpdir(), 'flashsale-bank-'));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const wires = {
    redis: closed(await layWire(redisUrl)),
    gatewayAmqp: closed(await layWire(amqpUrl)),
    ordersAmqp: closed(await layWire(amqpUrl)),
    ordersPostgres: closed(await layWire(databases.orders)),
    inventoryPostgres: closed(await layWire(databases.inventory)),
    paymentPostgres: closed(await layWire(databases.payment)),
  };
  const bankEnv = { STORE_FILE: join(folder, 'statement.jsonl'), BANK_API_KEY: API_KEY };
  const bank = stopped(await startService.bank(env('bank', bankEnv)));
  const inventoryEnv = { DATABASE_URL: wires.inventoryPostgres.url };
  const inventory = stopped(await startService.inventory(env('inventory', inventoryEnv)));
  const paymentEnv = { DATABASE_URL: wires.paymentPostgres.url, BANK_URL: bank.url, BANK_API_KEY: API_KEY };
  const payment = stopped(await startService.payment(env('payment', paymentEnv)));
  const neighbours = {
    inventory: stopped(await proxyRpc({ ...RPC.inventory, address: inventory.address })),
    gatewayInventory: stopped(await proxyRpc({ ...RPC.inventory, address: inventory.address })),
    payment: stopped(await proxyRpc({ ...RPC.payment, address: payment.address })),
  };
  const ordersEnv = {
    DATABASE_URL: wires.ordersPostgres.url,
    AMQP_URL: wires.ordersAmqp.url,
    INVENTORY_ADDRESS: neighbours.inventory.address,
    PAYMENT_ADDRESS: neighbours.payment.address,
  };
  const orders = stopped(await startService.orders(env('orders', ordersEnv)));
  const proxies = { ...neighbours, orders: stopped(await proxyRpc({ ...RPC.orders, address: orders.address })) };
  const gatewayEnv = {
    REDIS_URL: wires.redis.url,
    AMQP_URL: wires.gatewayAmqp.url,
    ORDERS_ADDRESS: proxies.orders.address,
    INVENTORY_ADDRESS: proxies.gatewayInventory.address,
    TOKEN_SECRET: SECRET,
  };
  const startGateway = (own?: Env) => startService.gateway({ ...env('gateway', gatewayEnv), ...own });
  const gateway = stopped(await startGateway());
  const services = { bank, inventory, payment, orders, gateway };
  const ready = (ops: number) =>
    until('the service is ready', async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).ok);
  await Promise.all(Object.values(services).map((service) => ready(service.ops)));

  const stores = { redisUrl, databases, bankUrl: bank.url, bankApiKey: API_KEY };
  const evidence = closed(await openEvidence(stores));
  const tokenFor = createTokens(SECRET);
  const open = opening.move();
  return {
    namespace,
    stores,
    wires,
    proxies,
    services,
    /** More gateways, for tests that need two. */
    start: { gateway: startGateway },
    ready,
    bank: createBank(bank.url, API_KEY),
    broker: openBroker(namespace.id),
    evidence,
    secret: SECRET,
    tokenFor,
    ...createBuying(gateway.url, tokenFor),

    /** Holds every charge back until the function that this returns is called. */
    holdCharges(): () => void {
      const released = Promise.withResolvers<void>();
      proxies.payment.on('charge', (_request, forward) => released.promise.then(forward));
      return () => {
        proxies.payment.on('charge');
        released.resolve();
      };
    },

    close: () => open.disposeAsync(),
  };
}
