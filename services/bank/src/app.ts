// The bank, put together: statement, line, behaviour, HTTP, ops.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import type { Config } from './config.ts';
import { Behaviour, createBehaviour } from './domain/behaviour.ts';
import { createChargeQueue } from './domain/charge-queue.ts';
import { createBank } from './domain/charges.ts';
import { startHttp } from './inbound/http.ts';
import { openStatement } from './outbound/statement-file.ts';

export async function startBank(config: Config) {
  const { HOST: host, HTTP_PORT: port, BANK_API_KEY: apiKey, STOP_MS: drainMs } = config;
  const log = createLog('bank', config.LOG_LEVEL);
  const registry = createRegistry('bank');

  const statement = openStatement(config.STORE_FILE);
  const behaviour = createBehaviour(firstBehaviour(config));
  const bank = createBank(statement, createChargeQueue(config.CHARGES_PER_SECOND), behaviour);

  let stopping = false;
  const http = await startHttp({ host, port, bank, apiKey, stopping: () => stopping, log, drainMs });
  const unready = () => (stopping ? ['stopping'] : []);
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready });
  log.info({ http: http.port, ops: ops.port }, 'bank is ready');

  return {
    url: `http://${host}:${http.port}`,
    ops: ops.port,
    async stop() {
      stopping = true;
      const answered = http.stop();
      // A charge outlives its caller's connection: to drain the connections is not enough.
      await Promise.race([bank.finished(), sleep(drainMs, undefined, { ref: false })]);
      bank.close();
      await answered;
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
