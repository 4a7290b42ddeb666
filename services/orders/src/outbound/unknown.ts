// A neighbour that does not answer has said nothing: no entry, so nothing is decided and the order is asked about again.
import type { Log } from '@flashsale/runtime/log';
import type { Answers } from '../domain/order.ts';

export const unknownOnFailure =
  (log: Log) =>
  async <Value>(method: string, ask: () => Promise<[string, Value][]>): Promise<Answers<Value>> => {
    try {
      return new Map(await ask());
    } catch (error) {
      log.warn({ method, error: error instanceof Error ? error.message : error }, 'outcome unknown');
      return new Map();
    }
  };
