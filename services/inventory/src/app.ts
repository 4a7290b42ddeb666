// The composition root of inventory: connect, construct, listen, stop.
import { fileURLToPath } from 'node:url';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import type { Config } from './config.ts';
import { startRpc } from './inbound/grpc.ts';
import { createGauges, createMetrics } from './metrics.ts';
import { createLedger } from './outbound/ledger.ts';
import { createReopening, REOPEN_CONNECTIONS } from './outbound/reopening.ts';
import { readUnits } from './outbound/units.ts';
import { createUseCases } from './use-cases.ts';

const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startInventory(config: Config) {
  const log = createLog('inventory', config.LOG_LEVEL);
  const registry = createRegistry('inventory');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log, registry);
  const reopenPool = createPool(config.DATABASE_URL, log, registry, { name: 'reopen', max: REOPEN_CONNECTIONS });
  const ports = {
    ledger: createLedger(pool),
    reopen: createReopening(reopenPool, { dampingMs: config.REOPEN_DAMPING_MS }),
  };
  const useCases = createUseCases(ports, metrics);

  const rpc = await startRpc(config, useCases, log, registry);
  createGauges(registry, () => readUnits(pool));
  const unready = () => unreachable(pool);
  const ops = await startOps({ host: config.HOST, port: config.OPS_PORT, registry, unready });
  log.info({ rpc: rpc.port, ops: ops.port }, 'inventory is ready');

  return {
    address: `${config.HOST}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await rpc.stop();
      await Promise.all([pool.end(), reopenPool.end()]);
      await ops.stop();
    },
  };
}
