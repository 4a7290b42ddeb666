// One way to end a command in the foreground: Ctrl-C, kill, or its terminal closing.
import { once } from 'node:events';

/** Aborts at the first request. Later ones change nothing: each npm in between passes a Ctrl-C on once more. */
export function endRequested(): AbortSignal {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort(signal));
  return ended.signal;
}

export async function requested(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** The result of work that goes on after the end was requested is dropped. */
export function unlessEnded<T>(end: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  const ended = requested(end).then(() => {
    throw end.reason;
  });
  return Promise.race([work, ended]);
}
