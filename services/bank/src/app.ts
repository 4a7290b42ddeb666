// The bank, put together: statement, line, behaviour, HTTP, ops.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import type { Config } from './config.ts';
import { Behaviour, createBehaviour } from './domain/behaviour.ts';
import { createBank } from './domain/charges.ts';
import { createLine } from './domain/line.ts';
import { bankHttp } from './inbound/http.ts';
import { startHttpServer } from './inbound/http-server.ts';
import { openStatement } from './outbound/statement-file.ts';

export async function startBank(config: Config) {
  const { HOST: host } = config;
  const log = createLog('bank', config.LOG_LEVEL);
  const registry = createRegistry('bank');

  const statement = openStatement(config.STORE_FILE);
  const behaviour = createBehaviour(firstBehaviour(config));
  const bank = createBank(statement, createLine(config.CHARGES_PER_SECOND), behaviour);

  let stopping = false;
  const app = bankHttp({ bank, apiKey: config.BANK_API_KEY, stopping: () => stopping, log });
  const http = await startHttpServer({ host, port: config.HTTP_PORT, app });
  const unready = () => (stopping ? ['stopping'] : []);
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready });
  log.info({ http: http.port, ops: ops.port }, 'bank is ready');

  return {
    url: `http://${host}:${http.port}`,
    ops: ops.port,
    async stop() {
      stopping = true;
      const finished = Promise.race([bank.finished(), sleep(config.STOP_MS, undefined, { ref: false })]);
      await http.stop(finished.then(bank.close));
      statement.close();
      await ops.stop();
    },
  };
}

const firstBehaviour = (config: Config): Behaviour =>
  Behaviour.parse({
    chargesPerSecond: config.CHARGES_PER_SECOND,
    latencyMs: { p50: config.LATENCY_P50_MS, p99: config.LATENCY_P99_MS },
    declineRate: config.DECLINE_RATE,
    errorRate: config.ERROR_RATE,
    lateRate: config.LATE_RATE,
    lateMs: config.LATE_MS,
    seed: config.SEED,
  });
