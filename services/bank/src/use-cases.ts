// The use cases of the bank, behind one queue and with one behaviour.
import type { Config } from './config.ts';
import { Behaviour, createBehaviour } from './domain/behaviour.ts';
import { createChargeQueue } from './domain/charge-queue.ts';
import { createBank } from './domain/charges.ts';
import type { Statement } from './domain/statement.ts';
import type { Metrics } from './metrics.ts';

export function createUseCases(config: Config, statement: Statement, { busy }: Metrics) {
  const queue = createChargeQueue(config.CHARGES_PER_SECOND, busy);
  return createBank(statement, queue, createBehaviour(firstBehaviour(config)));
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
