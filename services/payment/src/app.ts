// Payment, put together: ledger, bank, gRPC, the loop that gives back, ops.
import { fileURLToPath } from 'node:url';
import { PaymentServiceService } from '@flashsale/contracts/payment';
import { paymentProto, protoFolder } from '@flashsale/contracts/proto';
import { startRpcServer } from '@flashsale/rpc/server';
import { createLog } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { createPool, migrate, unreachable } from '@flashsale/runtime/postgres';
import type { Config } from './config.ts';
import { createChargeOrders } from './domain/charge-orders.ts';
import { createReversals, voidCharges } from './domain/reverse-charges.ts';
import { paymentHandlers } from './inbound/grpc.ts';
import { createMetrics } from './metrics.ts';
import { createBank } from './outbound/bank.ts';
import { createLedger } from './outbound/ledger.ts';

const migrations = fileURLToPath(new URL('../migrations', import.meta.url));

export async function startPayment(config: Config) {
  const { HOST: host } = config;
  const log = createLog('payment', config.LOG_LEVEL);
  const registry = createRegistry('payment');
  const metrics = createMetrics(registry);

  await migrate(config.DATABASE_URL, migrations, log);
  const pool = createPool(config.DATABASE_URL, log);
  const ledger = createLedger(pool);
  const bank = createBank(config, metrics, log);
  const ports = { ledger, bank, log };

  const reversals = createReversals(ports);
  const reversing = startLoop({ name: 'reversals', everyMs: 1_000, log, run: () => reversals.start(reversing.kick) });
  const rpc = await startRpcServer({
    host,
    port: config.GRPC_PORT,
    service: PaymentServiceService,
    handlers: paymentHandlers({
      ledger,
      charge: createChargeOrders(ports),
      void: (orderIds) => voidCharges(orderIds, ledger, reversing.kick),
      timeoutMs: config.BANK_TIMEOUT_MS,
    }),
    protoFolder,
    protoFile: paymentProto,
    log,
    registry,
  });
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready: () => unreachable(pool) });
  log.info({ rpc: rpc.port, ops: ops.port }, 'payment is ready');

  return {
    address: `${host}:${rpc.port}`,
    ops: ops.port,
    async stop() {
      await rpc.stop();
      await reversing.stop();
      await bank.stop();
      await reversals.stop();
      await pool.end();
      await ops.stop();
    },
  };
}
