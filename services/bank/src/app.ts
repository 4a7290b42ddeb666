// The composition root of the bank: connect, construct, listen, stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import type { Config } from './config.ts';
import { startHttp } from './inbound/http.ts';
import { createGauges, createMetrics } from './metrics.ts';
import { openStatement } from './outbound/statement-file.ts';
import { createUseCases } from './use-cases.ts';

export async function startBank(config: Config) {
  const log = createLog('bank', config.LOG_LEVEL);
  const registry = createRegistry('bank');
  const metrics = createMetrics(registry);

  const statement = openStatement(config.STORE_FILE);
  const useCases = createUseCases(config, statement, metrics);
  createGauges(registry, useCases);

  const http = await startHttp(config, useCases, log);
  const ops = await startOps({ host: config.HOST, port: config.OPS_PORT, registry, unready: http.unready });
  log.info({ http: http.port, ops: ops.port }, 'bank is ready');

  return {
    url: `http://${config.HOST}:${http.port}`,
    ops: ops.port,
    async stop() {
      const drained = http.stop();
      // A charge outlives its caller's connection: to drain the connections is not enough.
      await Promise.race([useCases.finished(), sleep(config.STOP_MS, undefined, { ref: false })]);
      useCases.close();
      await drained;
      statement.close();
      await ops.stop();
    },
  };
}
