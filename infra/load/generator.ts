// Sends load from a thread of its own, so that neither progress nor polling makes a click late.
import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Load, LoadResult, Report, Tally } from './thread.ts';

export type Burst = Pick<LoadResult, 'clicks' | 'lastClickAt'>;

interface Watch {
  tally?(tally: Tally): void;
  /** The last click has been sent; responses are outstanding. */
  lastClick?(): void;
  /** Its end makes `send` reject with its reason, and leaves no click in flight. */
  signal?: AbortSignal;
}

export type Generator = ReturnType<typeof createGenerator>;

export function createGenerator() {
  const worker = new Worker(new URL('./thread.ts', import.meta.url));
  let handedOver: string[] | undefined;

  /** One load at a time; resolves when each click has its response or has timed out. */
  async function send({ tokens, ...load }: Load, { tally, lastClick, signal }: Watch = {}): Promise<LoadResult> {
    signal?.throwIfAborted();
    const stop = () => worker.postMessage('stop');
    signal?.addEventListener('abort', stop);
    const reports = on(worker, 'message', { close: ['exit'] }) as AsyncIterable<[Report]>;
    // Tokens are large: the thread keeps those that it has.
    worker.postMessage(tokens === handedOver ? load : { ...load, tokens });
    handedOver = tokens;
    try {
      for await (const [report] of reports) {
        if ('tally' in report) tally?.(report.tally);
        else if ('lastClick' in report) lastClick?.();
        else {
          signal?.throwIfAborted();
          return report.result;
        }
      }
      throw new Error('the load generator has ended');
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
  return { send, stop: async (): Promise<void> => void (await worker.terminate()) };
}
