// The whole shop in one process for a test: the five services as they are, on real servers, in a namespace of their own.
// Between them lie wires and proxies, so that a test can lose, delay and repeat what crosses a process boundary.
import { mkdtempSync, rmSync } from 'node:fs';
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
import { openBroker } from './broker.ts';
import { createBuying } from './buying.ts';
import { openEvidence } from './evidence.ts';
import { proxyRpc } from './rpc-proxy.ts';
import { type Env, startService } from './services.ts';
import { layWire } from './wire.ts';

export type ShopSettings = Partial<Record<'bank' | 'inventory' | 'payment' | 'orders' | 'gateway', Env>>;
export type TestShop = Awaited<ReturnType<typeof openShop>>;

const SECRET = 'a-secret-for-tests-only-0123456789-0123456789';
const API_KEY = 'a-bank-api-key-for-tests-only-0123456789';
const COMMON = { LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent' };
/** Tests do not wait for a patience that is made for a crowd. */
const IMPATIENT: Required<ShopSettings> = {
  bank: { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '1', LATENCY_P99_MS: '2' },
  inventory: {},
  payment: {},
  orders: { RESUME_AFTER_MS: '1500', RESUME_EVERY_MS: '200', CHARGE_PATIENCE_MS: '1000' },
  gateway: {
    ROUND_MS: '200',
    UNSENT_DUE_MS: '1500',
    SENT_DUE_MS: '1500',
    RPC_DEADLINE_MS: '10000',
    CONFIRM_TIMEOUT_MS: '20000',
    CLICKS_PER_BUYER: '1000',
  },
};

export async function openShop(settings: ShopSettings = {}) {
  const namespace = await openNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'flashsale-bank-'));
  const env = (service: keyof ShopSettings, own: Env): Env => ({
    ...COMMON,
    ...own,
    ...IMPATIENT[service],
    ...settings[service],
  });
  const wires = {
    redis: await layWire(namespace.redisUrl),
    gatewayAmqp: await layWire(namespace.amqpUrl),
    ordersAmqp: await layWire(namespace.amqpUrl),
    ordersPostgres: await layWire(namespace.databases.orders),
    inventoryPostgres: await layWire(namespace.databases.inventory),
    paymentPostgres: await layWire(namespace.databases.payment),
  };

  const start = {
    bank: () =>
      startService.bank(
        env('bank', { HTTP_PORT: '0', BANK_API_KEY: API_KEY, STORE_FILE: join(folder, 'statement.jsonl') }),
      ),
    inventory: () =>
      startService.inventory(env('inventory', { GRPC_PORT: '0', DATABASE_URL: wires.inventoryPostgres.url })),
    payment: (bankUrl: string) =>
      startService.payment(
        env('payment', {
          GRPC_PORT: '0',
          DATABASE_URL: wires.paymentPostgres.url,
          BANK_URL: bankUrl,
          BANK_API_KEY: API_KEY,
        }),
      ),
    orders: (own: Env = {}) =>
      startService.orders({
        ...env('orders', {
          GRPC_PORT: '0',
          DATABASE_URL: wires.ordersPostgres.url,
          AMQP_URL: wires.ordersAmqp.url,
          INVENTORY_ADDRESS: proxies.inventory.address,
          PAYMENT_ADDRESS: proxies.payment.address,
        }),
        ...own,
      }),
    gateway: (own: Env = {}) =>
      startService.gateway({
        ...env('gateway', {
          HTTP_PORT: '0',
          REDIS_URL: wires.redis.url,
          AMQP_URL: wires.gatewayAmqp.url,
          ORDERS_ADDRESS: proxies.orders.address,
          INVENTORY_ADDRESS: proxies.gatewayInventory.address,
          TOKEN_SECRET: SECRET,
        }),
        ...own,
      }),
  };

  const bank = await start.bank();
  const inventory = await start.inventory();
  const payment = await start.payment(bank.url);
  const inventoryWire = {
    service: InventoryServiceService,
    Client: InventoryServiceClient,
    protoFile: inventoryProto,
    address: inventory.address,
  };
  const proxies = {
    inventory: await proxyRpc(inventoryWire),
    gatewayInventory: await proxyRpc(inventoryWire),
    payment: await proxyRpc({
      service: PaymentServiceService,
      Client: PaymentServiceClient,
      protoFile: paymentProto,
      address: payment.address,
    }),
    orders: undefined as unknown as Awaited<ReturnType<typeof proxyRpc>>,
  };
  const orders = await start.orders();
  proxies.orders = await proxyRpc({
    service: OrdersServiceService,
    Client: OrdersServiceClient,
    protoFile: ordersProto,
    address: orders.address,
  });
  const gateway = await start.gateway();
  const stores = {
    redisUrl: namespace.redisUrl,
    databases: namespace.databases,
    bankUrl: bank.url,
    bankApiKey: API_KEY,
  };

  const evidence = await openEvidence(stores);

  const ready = (ops: number) =>
    until('the service is ready', async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).ok);
  await Promise.all([bank, inventory, payment, orders, gateway].map((service) => ready(service.ops)));

  const tokenFor = createTokens(SECRET);
  return {
    namespace,
    stores,
    wires,
    proxies,
    services: { bank, inventory, payment, orders, gateway },
    /** More of the same, for tests that need two. */
    start,
    ready,
    bank: createBank(bank.url, API_KEY),
    broker: openBroker(namespace.id),
    evidence,
    secret: SECRET,
    tokenFor,
    ...createBuying(gateway.url, tokenFor),

    /** Nobody's charge comes through until what this answers is called. */
    holdCharges(): () => void {
      const released = Promise.withResolvers<void>();
      proxies.payment.on('charge', async (_request, forward) => {
        await released.promise;
        return forward();
      });
      return () => {
        proxies.payment.on('charge');
        released.resolve();
      };
    },

    async close() {
      await evidence.close();
      await gateway.stop();
      await Promise.all([orders.stop(), proxies.orders.stop()]);
      await Promise.all([payment.stop(), inventory.stop(), bank.stop()]);
      await Promise.all([proxies.inventory, proxies.gatewayInventory, proxies.payment].map((proxy) => proxy.stop()));
      await Promise.all(Object.values(wires).map((wire) => wire.close()));
      await namespace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
