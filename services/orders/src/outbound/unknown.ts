// A participant that does not answer has said nothing: no entry, so nothing is decided and it is asked again.
import { status, statusOf } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Answers } from '../domain/ports.ts';

export const unknownOnFailure =
  (log: Log) =>
  async <Value>(method: string, ask: () => Promise<[string, Value][]>): Promise<Answers<Value>> => {
    try {
      return new Map(await ask());
    } catch (error) {
      // A request that is refused as wrong is wrong each time: a bug, not an outage.
      const level = statusOf(error) === status.INVALID_ARGUMENT ? 'error' : 'warn';
      log[level]({ method, error: error instanceof Error ? error.message : error }, 'outcome unknown');
      return new Map();
    }
  };
