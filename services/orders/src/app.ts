// Orders, put together: connect, construct, listen, stop.
import { fileURLToPath } from 'node:url';
import { OrdersServiceService } from '@flashsale/contracts/orders';
import { ordersProto, protoFolder } from '@flashsale/contracts/proto';
import { declareTopology, ORDER_EVENTS, ORDERS_PLACED } from '@flashsale/contracts/topology';
import { createPublisher } from '@flashsale/messaging/publisher';
import { startRpcServer } from '@flashsale/rpc/server';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import { startBackgroundJobs } from './background-jobs.ts';
import type { Config } from './config.ts';
import { isDue, type Order } from './domain/order.ts';
import { consumePlacedOrders } from './inbound/amqp.ts';
import { ordersHandlers } from './inbound/grpc.ts';
import { consumePaymentsDue } from './inbound/payments-due.ts';
import { createMetrics } from './metrics.ts';
import { coalesced } from './outbound/coalesced-ledger.ts';
import { createInventory } from './outbound/inventory.ts';
import { createLedger } from './outbound/ledger.ts';
import { startRelay } from './outbound/outbox.ts';
import { createPayment } from './outbound/payment.ts';
import { createUseCases } from './use-cases.ts';

/** A caller waits for each call of its order; a queue has kept its orders waiting for longer than this. */
const GATHER_MS = { queued: 50, direct: 5 };
const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startOrders(config: Config) {
  const { HOST: host, AMQP_URL: url } = config;
  const log = createLog('orders', config.LOG_LEVEL);
  const registry = createRegistry('orders');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log);
  // A publisher for each exchange: one that the broker refuses for a full queue must not hold back the other.
  const publisherOf = (name: string) =>
    createPublisher({ url, name: `orders: ${name}`, log, declare: declareTopology });
  const publishers = { work: publisherOf('work'), events: publisherOf('events') };
  const relays = {
    work: startRelay(ORDERS_PLACED.exchange, { pool, publisher: publishers.work, log }),
    events: startRelay(ORDER_EVENTS, { pool, publisher: publishers.events, log }),
  };
  const onOutbox = (orders: Order[]) => {
    if (orders.some(isDue)) relays.work.kick();
    if (!orders.every(isDue)) relays.events.kick();
  };
  const ledger = coalesced(createLedger(pool, { onOutbox, onDecided: metrics.countDecided }));
  const portsOf = (gatherMs: number) => ({
    ledger,
    inventory: createInventory(config, log, gatherMs),
    payment: createPayment(config, log, gatherMs),
  });
  const ports = { queued: portsOf(GATHER_MS.queued), direct: portsOf(GATHER_MS.direct) };
  const useCases = createUseCases(config, ports, log);

  const handlers = ordersHandlers(config, useCases);
  const server = { host, port: config.GRPC_PORT, service: OrdersServiceService, handlers };
  const rpc = await startRpcServer({ ...server, protoFolder, protoFile: ordersProto, log, registry });
  const reserve = metrics.observed(useCases.reserve);
  const consuming = { config, log, publisher: publishers.work };
  const consumers = [
    consumePlacedOrders({ ...consuming, reserve }),
    consumePaymentsDue({ ...consuming, pay: useCases.pay }),
  ];
  const jobs = startBackgroundJobs(config, log, useCases);
  const unready = async () => [
    ...(await unreachable(pool)),
    ...(consumers.every((consumer) => consumer.consuming()) ? [] : ['not consuming']),
    ...(publishers.events.available() ? [] : ['cannot publish']),
  ];
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready });
  log.info({ rpc: rpc.port, ops: ops.port }, 'orders is ready');

  return {
    address: `${host}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await Promise.all([...consumers, rpc, ...jobs].map((each) => each.stop()));
      await Promise.all(Object.values(relays).map((relay) => relay.stop()));
      await Promise.all(Object.values(publishers).map((publisher) => publisher.stop()));
      for (const { inventory, payment } of Object.values(ports))
        for (const client of [inventory, payment]) client.stop();
      await pool.end();
      await ops.stop();
    },
  };
}
