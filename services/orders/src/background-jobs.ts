// The background jobs, each in a loop of its own: one that hangs never delays another.
import type { Log } from '@flashsale/runtime/log';
import { type Loop, startLoop } from '@flashsale/runtime/loop';
import type { Config } from './config.ts';
import type { UseCases } from './use-cases.ts';

export function startBackgroundJobs(config: Config, log: Log, useCases: UseCases): Loop[] {
  const start = (name: string, run: () => Promise<void>) =>
    startLoop({ name, everyMs: config.JOBS_EVERY_MS, log, run });
  return [
    start('time-out', useCases.timeOut),
    start('compensation', useCases.compensatePending),
    start('refunds', useCases.followRefunds),
  ];
}
