// One way for a command in the foreground to be asked to end: Ctrl-C, kill, or its terminal closing.

/** Aborts at the first request. Later ones change nothing: a Ctrl-C arrives up to three times, each npm passes it on. */
export function endRequested(): AbortSignal {
  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => asked.abort(signal));
  return asked.signal;
}

export function requested(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** The result of work that goes on after the end was requested is dropped. */
export function unlessEnded<T>(end: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  const ended = requested(end).then(() => {
    throw end.reason;
  });
  return Promise.race([work, ended]);
}
