// The background job of payment: reversals reach the bank however often it fails, and whichever process recorded them.
import type { Log } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import type { Registry } from '@prometheus-io/client';
import type { UseCases } from './use-cases.ts';

export const startBackgroundJobs = ({ startReversals }: UseCases, log: Log, registry: Registry) =>
  startLoop({ name: 'reversals', everyMs: 1_000, log, registry, run: startReversals });
