// Child processes whose pid is known, in a process group of their own, and a clean end for each.
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { until } from '../until.ts';
import { changePids, identityOf } from './leftovers.ts';

export type Exit = { code: number | null; signal: NodeJS.Signals | null };
export type Child = ReturnType<typeof startProcess>;
type Start = {
  /** The directory of the run: its pids.json remembers the process in case this one is killed. */
  dir: string;
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  user?: { uid: number; gid: number } | undefined;
  stopSignal?: 'SIGTERM' | 'SIGINT';
  last?: boolean;
  /** From the stop signal to SIGKILL. */
  graceMs?: number;
};

// Detached: the terminal's Ctrl-C goes to the owner alone, who then stops everything in order.
const OWN_GROUP = { detached: true, cleanup: false, extendEnv: false, reject: false } as const;

export function startProcess({ dir, name, command, args, ...start }: Start) {
  const { env, cwd = dir, user, stopSignal = 'SIGTERM', last = false, graceMs = 10_000 } = start;
  const logFile = join(dir, 'logs', `${name}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  // The types of execa know descriptors up to 9 only.
  const log = openSync(logFile, 'a') as 9;
  const end = { killSignal: stopSignal, forceKillAfterDelay: graceMs };
  const child = execa(command, args, { ...OWN_GROUP, ...end, ...user, cwd, env, stdio: ['ignore', log, log] });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} cannot be started: ${command} is missing or not executable`);
  changePids(dir, ({ processes }) => processes.push({ ...identityOf(pid), name, stopSignal, last }));
  let exit: Exit | undefined;
  const exited = child.then(({ exitCode: code = null, signal = null }): Exit => {
    changePids(dir, (pids) => {
      pids.processes = pids.processes.filter((one) => one.pid !== pid);
    });
    exit = { code, signal };
    return exit;
  });
  /** Resolves to true when the process had to be killed. */
  async function stop(): Promise<boolean> {
    child.kill();
    return (await child).isForcefullyTerminated;
  }
  const dispose = async () => void (await stop());
  return { name, pid, logFile, exited, exit: () => exit, stop, [Symbol.asyncDispose]: dispose };
}

type Waiting = { everyMs?: number; signal?: AbortSignal | undefined };

const READY_WITHIN_MS = 120_000;

/** Fails with the tail of the log when the process ends or the deadline passes. */
export async function untilReady(child: Child, ready: () => Promise<unknown>, waiting: Waiting = {}): Promise<void> {
  const { everyMs = 50, signal } = waiting;
  const look = async () => child.exit() ?? ready().then(() => true);
  const found = await until(`${child.name} is ready`, look, { withinMs: READY_WITHIN_MS, everyMs, signal }).catch(
    (error: Error) => {
      signal?.throwIfAborted();
      throw new Error(`${error.message}\n${tail(child.logFile)}`);
    },
  );
  if (found !== true)
    throw new Error(`${child.name} ended ${described(found)} before it was ready\n${tail(child.logFile)}`);
}

export function described({ code, signal }: Exit): string {
  return signal ? `by ${signal}` : `with code ${code}`;
}

export function tail(file: string, lines = 30): string {
  const last = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines);
  return `its log ends:\n${last.map((line) => `  ${line}`).join('\n')}`;
}
