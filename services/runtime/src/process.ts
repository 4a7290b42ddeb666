// A process from start to exit: bad configuration, signals, a bounded stop, and an exit code that means something.
import { ConfigError } from './config.ts';

const STOP_DEADLINE_MS = 12_000;

export interface Running {
  /** Takes no more work, finishes what is in flight, closes connections. */
  stop(): Promise<void>;
}

/** Exit codes: 0 stopped by a signal, 1 could not start or stop or met a bug. */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  const requested = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
  // From the signal on, even if it comes while the start hangs.
  requested.then(() => setTimeout(() => fail(`not stopped within ${STOP_DEADLINE_MS} ms`), STOP_DEADLINE_MS).unref());
  process.on('uncaughtException', (error) => fail('uncaught exception', error));
  process.on('unhandledRejection', (error) => fail('unhandled rejection', error));
  try {
    const running = await start();
    await requested;
    await running.stop();
  } catch (error) {
    fail('cannot start or stop', error);
  }
  process.exit(0);
}

function fail(what: string, error?: unknown): never {
  const detail = error instanceof Error ? error.stack : error;
  console.error(error instanceof ConfigError ? error.message : `${what}${detail ? `: ${detail}` : ''}`);
  process.exit(1);
}
