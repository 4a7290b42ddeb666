// Orders, put together: ledger, neighbours, outbox, the two doors, the resumer, ops.
import { fileURLToPath } from 'node:url';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { OrdersServiceService } from '@flashsale/contracts/orders';
import { ordersProto, protoFolder } from '@flashsale/contracts/proto';
import { declareTopology } from '@flashsale/contracts/topology';
import { createPublisher } from '@flashsale/messaging/publisher';
import { startRpcServer } from '@flashsale/rpc/server';
import { createLog } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import type { Config } from './config.ts';
import { fulfilOrders } from './domain/fulfil-orders.ts';
import type { Patience } from './domain/order.ts';
import { resumeOrders } from './domain/resume-orders.ts';
import { consumePlacedOrders } from './inbound/amqp.ts';
import { ordersHandlers } from './inbound/grpc.ts';
import { createMetrics } from './metrics.ts';
import { startEventRelay } from './outbound/event-relay.ts';
import { createInventory } from './outbound/inventory.ts';
import { createLedger } from './outbound/ledger.ts';
import { createPayment } from './outbound/payment.ts';

const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startOrders(config: Config) {
  const log = createLog('orders', config.LOG_LEVEL);
  const registry = createRegistry('orders');
  const metrics = createMetrics(registry);
  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log);
  const ledger = createLedger(pool, () => relay.kick());
  const publisher = createPublisher({ url: config.AMQP_URL, name: 'orders: events', log, declare: declareTopology });
  const relay = startEventRelay(ledger, publisher, log);
  const inventory = createInventory(config.INVENTORY_ADDRESS, log);
  const payment = createPayment(config.PAYMENT_ADDRESS, log);
  const ports = { ledger, inventory, payment };

  const patient: Patience = {
    callMs: () => config.RPC_DEADLINE_MS,
    chargeMs: () => config.CHARGE_PATIENCE_MS,
    wanted: () => true,
  };
  const fulfil = (door: string) => async (commands: OrderCommand[], patience: Patience) => {
    const orders = await fulfilOrders(commands, ports, patience);
    for (const order of orders) metrics.fulfilled.inc({ door, status: order.status });
    return orders;
  };

  const rpc = await startRpcServer({
    host: config.HOST,
    port: config.GRPC_PORT,
    service: OrdersServiceService,
    handlers: ordersHandlers({ fulfil: fulfil('rpc'), ledger, maxInFlight: config.MAX_DIRECT_IN_FLIGHT }),
    protoFolder,
    protoFile: ordersProto,
    log,
    registry,
  });
  const consumer = consumePlacedOrders({
    config,
    log,
    publisher,
    fulfil(commands) {
      metrics.batch.observe(commands.length);
      return fulfil('queue')(commands, patient);
    },
  });
  const resumer = startLoop({
    name: 'resumer',
    everyMs: config.RESUME_EVERY_MS,
    log,
    async round() {
      while ((await resumeOrders(ports, patient, config.RESUME_AFTER_MS)) > 0);
    },
  });
  const ops = await startOps({
    host: config.HOST,
    port: config.OPS_PORT,
    registry,
    unready: async () => [
      ...(await unreachable(pool)),
      ...(consumer.consuming() ? [] : ['not consuming']),
      ...(publisher.available() ? [] : ['cannot publish']),
    ],
  });
  log.info({ rpc: rpc.port, ops: ops.port }, 'orders is ready');

  return {
    address: `${config.HOST}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await Promise.all([consumer.stop(), rpc.stop(), resumer.stop()]);
      await relay.stop();
      await publisher.stop();
      inventory.stop();
      payment.stop();
      await pool.end();
      await ops.stop();
    },
  };
}
