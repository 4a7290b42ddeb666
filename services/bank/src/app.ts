// The bank, put together: connect, construct, listen, stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import type { Config } from './config.ts';
import { startHttp } from './inbound/http.ts';
import { openStatement } from './outbound/statement-file.ts';
import { createUseCases } from './use-cases.ts';

export async function startBank(config: Config) {
  const { HOST: host, HTTP_PORT: port, BANK_API_KEY: apiKey, STOP_MS: drainMs } = config;
  const log = createLog('bank', config.LOG_LEVEL);
  const registry = createRegistry('bank');

  const statement = openStatement(config.STORE_FILE);

  const useCases = createUseCases(config, statement);

  const stopping = new AbortController();
  const { signal } = stopping;
  const http = await startHttp({ host, port, useCases, apiKey, stopping: signal, log, drainMs });

  const unready = () => (signal.aborted ? ['stopping'] : []);
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready });
  log.info({ http: http.port, ops: ops.port }, 'bank is ready');

  return {
    url: `http://${host}:${http.port}`,
    ops: ops.port,
    async stop() {
      stopping.abort();
      const drained = http.stop();
      // A charge outlives its caller's connection: to drain the connections is not enough.
      await Promise.race([useCases.finished(), sleep(drainMs, undefined, { ref: false })]);
      useCases.close();
      await drained;
      statement.close();
      await ops.stop();
    },
  };
}
