// Ctrl-C, a termination, a closed terminal: heard from the first moment on, and never in the way of the cleaning up.
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

type Signal = keyof typeof EXIT_CODES;

/** Aborts at the first signal; the later ones change nothing. */
export function onInterruption(): AbortSignal {
  const interruption = new AbortController();
  for (const signal of Object.keys(EXIT_CODES) as Signal[]) {
    process.on(signal, () => interruption.abort(new Interrupted(signal)));
  }
  // Nothing can be written to a terminal that was closed, and that must not end the cleaning up.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  return interruption.signal;
}

class Interrupted extends Error {
  readonly signal: Signal;
  constructor(signal: Signal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

export const exitCodeOf = ({ reason }: AbortSignal): number | undefined =>
  reason instanceof Interrupted ? EXIT_CODES[reason.signal] : undefined;

/** The value of `work`, unless the interruption comes first; what `work` then still does is no longer listened to. */
export async function unlessInterrupted<T>(interrupted: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return Promise.race([work, interruption(interrupted)]);
}

export function interruption(interrupted: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (interrupted.aborted) reject(interrupted.reason);
    interrupted.addEventListener('abort', () => reject(interrupted.reason));
  });
}
