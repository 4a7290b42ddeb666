// The background jobs, each in a loop of its own: one that hangs never delays another.
import type { Log } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import type { Registry } from '@prometheus-io/client';
import type { Config } from './config.ts';
import type { UseCases } from './use-cases.ts';

export function startBackgroundJobs(
  { JOBS_EVERY_MS: everyMs }: Config,
  useCases: UseCases,
  log: Log,
  registry: Registry,
) {
  const loops = [
    startLoop({ name: 'time-out', everyMs, log, registry, run: useCases.timeOut }),
    startLoop({ name: 'compensation', everyMs, log, registry, run: useCases.compensatePending }),
    startLoop({ name: 'refunds', everyMs, log, registry, run: useCases.followRefunds }),
  ];
  return { stop: () => Promise.all(loops.map((loop) => loop.stop())) };
}
