// Inventory, put together: connect, construct, listen, stop.
import { fileURLToPath } from 'node:url';
import { InventoryServiceService } from '@flashsale/contracts/inventory';
import { inventoryProto, protoFolder } from '@flashsale/contracts/proto';
import { startRpcServer } from '@flashsale/rpc/server';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import type { Config } from './config.ts';
import { inventoryHandlers } from './inbound/grpc.ts';
import { createMetrics } from './metrics.ts';
import { createLedger } from './outbound/ledger.ts';
import { createReopening, REOPEN_CONNECTIONS } from './outbound/reopening.ts';
import { createSales } from './outbound/sales.ts';
import { createUseCases } from './use-cases.ts';

const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startInventory(config: Config) {
  const { HOST: host } = config;
  const log = createLog('inventory', config.LOG_LEVEL);
  const registry = createRegistry('inventory');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log);
  const reopenPool = createPool(config.DATABASE_URL, log, REOPEN_CONNECTIONS);
  const ports = {
    sales: createSales(pool),
    ledger: createLedger(pool),
    reopen: createReopening(reopenPool, { dampingMs: config.REOPEN_DAMPING_MS }),
  };

  const useCases = createUseCases(ports);

  const rpc = await startRpcServer({
    host,
    port: config.GRPC_PORT,
    service: InventoryServiceService,
    handlers: inventoryHandlers(useCases, metrics),
    protoFolder,
    protoFile: inventoryProto,
    log,
    registry,
  });

  const unready = () => unreachable(pool);
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready });
  log.info({ rpc: rpc.port, ops: ops.port }, 'inventory is ready');

  return {
    address: `${host}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await rpc.stop();
      await Promise.all([pool.end(), reopenPool.end()]);
      await ops.stop();
    },
  };
}
