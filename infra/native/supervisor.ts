// Keeps one service running: starts it, watches it become ready, starts it again when it dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../until.ts';
import { type Child, described, startProcess, tail } from './processes.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const STABLE_AFTER_MS = 10_000;
const STILLBORN_WITHIN_MS = 10_000;
const READY_WITHIN_MS = 120_000;
const STOP_GRACE_MS = 15_000;

/**
 * `exited`: by itself; `stopped`: by stop(); `killed`: by stop(), which had to force it.
 * `inMs`: to become ready, how long the process lived, or the pause before the next start.
 */
export type ServiceEvent = {
  service: string;
  event: 'started' | 'ready' | 'exited' | 'restarting' | 'stopped' | 'killed' | 'failed';
  pid?: number;
  code?: number | null;
  signal?: NodeJS.Signals | null;
  inMs?: number;
};
type Report = (event: ServiceEvent) => void;
type Supervise = { dir: string; name: string; file: string; env: Record<string, string>; opsPort: number };
export type Service = ReturnType<typeof supervise>;

export function supervise({ dir, name, file, env, opsPort, onEvent }: Supervise & { onEvent: Report }) {
  const stopping = new AbortController();
  const report = (event: ServiceEvent['event'], how = {}) => onEvent({ service: name, event, ...how });
  let ready = newPromise();
  let killed: number | undefined;
  let child = start();
  const running = keepRunning().catch((error) => ready.reject(error));

  function start(): Child {
    const { PATH, HOME, NODE_ENV = 'production' } = process.env;
    const args = ['--disable-warning=ExperimentalWarning', file];
    const how = { env: { PATH, HOME, NODE_ENV, ...env }, forceKillAfterDelay: STOP_GRACE_MS };
    const started = startProcess({ dir, name, command: process.execPath, args, ...how });
    report('started', { pid: started.pid });
    return started;
  }

  async function keepRunning(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    for (let isFirst = true; ; isFirst = false) {
      const { wasReady, exit, inMs } = await untilExited();
      if (stopping.signal.aborted) return;
      // Most likely a mistake in its configuration, which no restart will mend.
      if (isFirst && !wasReady && exit.code && inMs < STILLBORN_WITHIN_MS) {
        report('failed');
        throw new Error(`${name} ended ${described(exit)} at its first start\n${tail(child.logFile)}`);
      }
      if (inMs > STABLE_AFTER_MS) pause = FIRST_PAUSE_MS;
      report('restarting', { inMs: pause });
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      child = start();
    }
  }

  async function untilExited() {
    const [{ pid, exited, exit }, startedAt] = [child, Date.now()];
    const check = async () => Boolean(exit()) || isReady(opsPort);
    const waiting = { withinMs: Number.POSITIVE_INFINITY, everyMs: 50, signal: stopping.signal };
    const becomesReady = until(`${name} is ready`, check, waiting).then(() => {
      if (exit()) return false;
      report('ready', { pid, inMs: Date.now() - startedAt });
      if (pid !== killed) ready.resolve();
      return true;
    });
    const wasReady = becomesReady.catch(() => false);
    const life = { exit: await exited, wasReady: await wasReady, inMs: Date.now() - startedAt };
    report(stopping.signal.aborted ? 'stopped' : 'exited', { pid, ...life.exit, inMs: life.inMs });
    return life;
  }

  return {
    pid: () => (child.exit() ? undefined : child.pid),
    async ready(): Promise<void> {
      const late = sleep(READY_WITHIN_MS, undefined, { ref: false }).then(() => {
        throw new Error(`${name} is not ready after ${READY_WITHIN_MS / 1000} s\n${tail(child.logFile)}`);
      });
      await Promise.race([ready.promise, late]);
    },
    /** Ends it at once, as an accident would; resolves when its next process is ready. */
    kill(): Promise<void> {
      const before = ready;
      ready = newPromise();
      ready.promise.then(before.resolve, before.reject);
      if (!child.exit()) process.kill(child.pid, 'SIGKILL');
      killed = child.pid;
      return ready.promise;
    },
    async stop(): Promise<void> {
      stopping.abort();
      ready.reject(new Error(`${name} was stopped before it was ready`));
      if (!child.exit() && (await child.stop())) report('killed', { pid: child.pid });
      await running;
    },
  };
}

/** One that may be rejected before anything waits for it. */
function newPromise(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => {});
  return made;
}

async function isReady(opsPort: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${opsPort}/readyz`, { signal: AbortSignal.timeout(1000) });
  await response.body?.cancel();
  return response.ok;
}

/** Undefined for what is not worth a line. */
export function describeEvent({ service, event, pid, code = null, signal = null, inMs = 0 }: ServiceEvent) {
  if (event === 'ready') return `${service} is ready (${(inMs / 1000).toFixed(1)} s, pid ${pid})`;
  if (event === 'exited') return `${service} ended ${described({ code, signal })}`;
  if (event === 'restarting') return `${service} is started again in ${inMs} ms`;
  if (event === 'killed') return `${service} did not stop in time and was killed`;
  return undefined;
}
