// The composition root of payment: connect, construct, listen, stop.
import { fileURLToPath } from 'node:url';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import { startBackgroundJobs } from './background-jobs.ts';
import type { Config } from './config.ts';
import { startRpc } from './inbound/grpc.ts';
import { createGauges, createMetrics } from './metrics.ts';
import { readBacklog } from './outbound/backlog.ts';
import { createBank } from './outbound/bank.ts';
import { createLedger } from './outbound/ledger.ts';
import { traced } from './steps.ts';
import { createUseCases } from './use-cases.ts';

const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startPayment(config: Config) {
  const log = createLog('payment', config.LOG_LEVEL);
  const registry = createRegistry('payment');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log, registry);
  const ports = traced({ ledger: createLedger(pool), bank: createBank(config, metrics, log) });
  const useCases = createUseCases(ports, log);

  const rpc = await startRpc(config, useCases, log, registry);
  const jobs = startBackgroundJobs(useCases, log, registry);
  createGauges(registry, () => readBacklog(pool));
  const unready = () => unreachable(pool);
  const ops = await startOps({ host: config.HOST, port: config.OPS_PORT, registry, unready });
  log.info({ rpc: rpc.port, ops: ops.port }, 'payment is ready');

  return {
    address: `${config.HOST}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await rpc.stop();
      await jobs.stop();
      await ports.bank.stop();
      await useCases.reversalsEnded();
      await pool.end();
      await ops.stop();
    },
  };
}
