// The composition root of orders: connect, construct, listen, stop.
import { fileURLToPath } from 'node:url';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import { startBackgroundJobs } from './background-jobs.ts';
import type { Config } from './config.ts';
import { startConsumers } from './inbound/amqp.ts';
import { startRpc } from './inbound/grpc.ts';
import { createGauges, createMetrics } from './metrics.ts';
import { readBacklog } from './outbound/backlog.ts';
import { createInventory } from './outbound/inventory.ts';
import { coalesced, createLedger } from './outbound/ledger.ts';
import { startOutbox } from './outbound/outbox.ts';
import { createPayment } from './outbound/payment.ts';
import { traced } from './steps.ts';
import { createUseCases } from './use-cases.ts';

/** A caller waits for each call of its order; a queue has kept its orders waiting for longer than this. */
const GATHER_MS = { queued: 50, direct: 5 };
const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startOrders(config: Config) {
  const log = createLog('orders', config.LOG_LEVEL);
  const registry = createRegistry('orders');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log, registry);
  const outbox = startOutbox(config.AMQP_URL, pool, log, registry);
  const ledger = coalesced(createLedger(pool, metrics, outbox.kick));
  const portsOf = (gatherMs: number) =>
    traced({
      ledger,
      inventory: createInventory(config, log, registry, gatherMs),
      payment: createPayment(config, log, registry, gatherMs),
    });
  const ports = { queued: portsOf(GATHER_MS.queued), direct: portsOf(GATHER_MS.direct) };
  const useCases = createUseCases(config, ports, log, metrics);

  const rpc = await startRpc(config, useCases, log, registry);
  const consumers = startConsumers(config, useCases, outbox.work, log, registry);
  const jobs = startBackgroundJobs(config, useCases, log, registry);
  createGauges(registry, () => readBacklog(pool));
  const unready = async () => [...(await unreachable(pool)), ...consumers.unready(), ...outbox.unready()];
  const ops = await startOps({ host: config.HOST, port: config.OPS_PORT, registry, unready });
  log.info({ rpc: rpc.port, ops: ops.port }, 'orders is ready');

  return {
    address: `${config.HOST}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await Promise.all([consumers, rpc, jobs].map((each) => each.stop()));
      await outbox.stop();
      for (const { inventory, payment } of Object.values(ports)) for (const each of [inventory, payment]) each.stop();
      await pool.end();
      await ops.stop();
    },
  };
}
