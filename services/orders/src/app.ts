// Orders, put together: ledger, outbox, neighbours; its stories; the two doors, the resumer, ops.
import { fileURLToPath } from 'node:url';
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
import { consumePlacedOrders } from './inbound/amqp.ts';
import { ordersHandlers } from './inbound/grpc.ts';
import { createMetrics, measured } from './metrics.ts';
import { startEventRelay } from './outbound/event-relay.ts';
import { createInventory } from './outbound/inventory.ts';
import { createLedger } from './outbound/ledger.ts';
import { createPayment } from './outbound/payment.ts';
import { createStories } from './stories.ts';

const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startOrders(config: Config) {
  const { HOST: host } = config;
  const log = createLog('orders', config.LOG_LEVEL);
  const registry = createRegistry('orders');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log);
  const ledger = createLedger(pool, () => relay.kick());
  const publisher = createPublisher({ url: config.AMQP_URL, name: 'orders: events', log, declare: declareTopology });
  const relay = startEventRelay(ledger, publisher, log);
  const inventory = createInventory(config, log);
  const payment = createPayment(config, log);
  const { fulfil, resume } = createStories(config, { ledger, inventory, payment });

  const rpc = await startRpcServer({
    host,
    port: config.GRPC_PORT,
    service: OrdersServiceService,
    handlers: ordersHandlers({ config, ledger, fulfil: measured(metrics, 'rpc', fulfil) }),
    protoFolder,
    protoFile: ordersProto,
    log,
    registry,
  });
  const consumer = consumePlacedOrders({ config, log, publisher, fulfil: measured(metrics, 'queue', fulfil) });
  const resumer = startLoop({ name: 'resumer', everyMs: config.RESUME_EVERY_MS, log, round: resume });
  const ops = await startOps({
    host,
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
    address: `${host}:${rpc.port}`,
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
