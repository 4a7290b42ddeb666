// Keeps one service running: starts it, watches it become ready, starts it again when it dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, described, type Exit, startProcess, tail } from './processes.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const STABLE_AFTER_MS = 10_000;
const STILLBORN_WITHIN_MS = 10_000;
const READY_WITHIN_MS = 120_000;
const STOP_GRACE_MS = 15_000;

/**
 * `exited` is a death nobody asked for, `stopped` one that stop() asked for, and `killed` says it had to be forced.
 * `inMs`: to become ready, the life that ended, or the pause before the next start.
 */
export type ServiceEvent = {
  service: string;
  event: 'started' | 'ready' | 'exited' | 'restarting' | 'stopped' | 'killed' | 'failed';
  pid?: number;
  code?: number | null;
  signal?: NodeJS.Signals | null;
  inMs?: number;
};
export type Supervise = {
  dir: string;
  name: string;
  file: string;
  env: Record<string, string>;
  opsPort: number;
  onEvent(event: ServiceEvent): void;
};
export type Service = {
  name: string;
  logFile: string;
  pid(): number | undefined;
  ready(): Promise<void>;
  /** Ends it at once, as an accident would; resolves when the life that follows is ready. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

type Life = { exit: Exit; ms: number; wasReady: boolean };

const isStillborn = ({ exit, ms, wasReady }: Life) => !wasReady && Boolean(exit.code) && ms < STILLBORN_WITHIN_MS;

export function supervise({ dir, name, file, env, opsPort, onEvent }: Supervise): Service {
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  let again = ready;
  let struck: number | undefined;
  let child = start();
  const running = keepRunning().catch(ready.reject);

  function start(): Child {
    const inherited = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_ENV: process.env.NODE_ENV ?? 'production',
    };
    const args = ['--disable-warning=ExperimentalWarning', file];
    const started = startProcess({ dir, name, command: process.execPath, args, env: { ...inherited, ...env } });
    onEvent({ service: name, event: 'started', pid: started.pid });
    return started;
  }

  async function keepRunning(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    for (let first = true; ; first = false) {
      const life = await oneLife(child);
      if (stopping.signal.aborted) return;
      if (first && isStillborn(life)) return fail(life.exit);
      if (life.ms > STABLE_AFTER_MS) pause = FIRST_PAUSE_MS;
      onEvent({ service: name, event: 'restarting', inMs: pause });
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      child = start();
    }
  }

  async function oneLife(child: Child): Promise<Life> {
    const startedAt = Date.now();
    let wasReady = false;
    const watching = watchReadiness(child).then((isReady) => {
      if (!isReady) return;
      wasReady = true;
      onEvent({ service: name, event: 'ready', pid: child.pid, inMs: Date.now() - startedAt });
      ready.resolve();
      if (child.pid !== struck) again.resolve();
    });
    const exit = await child.exited;
    await watching;
    const ms = Date.now() - startedAt;
    const event = stopping.signal.aborted ? 'stopped' : 'exited';
    onEvent({ service: name, event, pid: child.pid, ...exit, inMs: ms });
    return { exit, ms, wasReady };
  }

  async function watchReadiness(child: Child): Promise<boolean> {
    while (!child.exit() && !stopping.signal.aborted) {
      if (await answersReady(opsPort)) return !child.exit();
      await sleep(50);
    }
    return false;
  }

  // Most likely a mistake in its configuration, which no restart will mend.
  function fail(exit: Exit): void {
    onEvent({ service: name, event: 'failed' });
    ready.reject(new Error(`${name} ended ${described(exit)} at its first start\n${tail(child.logFile)}`));
  }

  const becomeReady = async () => {
    const late = sleep(READY_WITHIN_MS, undefined, { ref: false }).then(() => {
      throw new Error(`${name} is not ready after ${READY_WITHIN_MS / 1000} s\n${tail(child.logFile)}`);
    });
    await Promise.race([ready.promise, late]);
  };

  const kill = () => {
    again = Promise.withResolvers<void>();
    again.promise.catch(() => {});
    struck = pid();
    if (struck) process.kill(struck, 'SIGKILL');
    return again.promise;
  };

  const stop = async () => {
    stopping.abort();
    for (const waiting of [ready, again]) waiting.reject(new Error(`${name} was stopped before it was ready`));
    if (!child.exit() && (await child.stop(STOP_GRACE_MS))) onEvent({ service: name, event: 'killed', pid: child.pid });
    await running;
  };

  const pid = () => (child.exit() ? undefined : child.pid);
  return { name, logFile: child.logFile, pid, ready: becomeReady, kill, stop };
}

async function answersReady(opsPort: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${opsPort}/readyz`, { signal: AbortSignal.timeout(1000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
