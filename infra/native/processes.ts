// Child processes whose pid is known, in a process group of their own, and a clean end for each.
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa, type Options } from 'execa';
import { until } from '../until.ts';
import { changePids, identityOf } from './leftovers.ts';

export type Exit = { code: number | null; signal: NodeJS.Signals | null };
export type Child = ReturnType<typeof startProcess>;
type Start = Pick<Options, 'cwd' | 'uid' | 'gid' | 'killSignal' | 'forceKillAfterDelay'> & {
  /** The directory of the run: its pids.json remembers the process in case this one is killed. */
  dir: string;
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Others need it until they are gone. */
  last?: boolean;
};

// Detached: the terminal's Ctrl-C goes to the owner alone, which then stops everything in order.
const DETACHED = {
  detached: true,
  cleanup: false,
  extendEnv: false,
  reject: false,
  forceKillAfterDelay: 10_000,
} as const;

export function startProcess({ dir, name, command, args, last = false, ...options }: Start) {
  const logFile = join(dir, 'logs', `${name}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  // The types of execa know descriptors up to 9 only.
  const log = openSync(logFile, 'a') as 9;
  const child = execa(command, args, { ...DETACHED, cwd: dir, ...options, stdio: ['ignore', log, log] });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} cannot be started: ${command} is missing or not executable`);
  changePids(dir, ({ processes }) =>
    processes.push({ ...identityOf(pid), name, stopSignal: options.killSignal, last }),
  );
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

const READY_WITHIN_MS = 120_000;
type Waiting = { everyMs?: number; signal?: AbortSignal };

/** Fails with the tail of the log when the process ends or the deadline passes. */
export async function untilReady(child: Child, ready: () => Promise<unknown>, waiting: Waiting = {}): Promise<void> {
  const { everyMs = 50, signal } = waiting;
  const check = async () => child.exit() ?? ready().then(() => true);
  const how = { withinMs: READY_WITHIN_MS, everyMs, signal };
  const found = await until(`${child.name} is ready`, check, how).catch((error: Error) => error.message);
  signal?.throwIfAborted();
  if (found === true) return;
  const why = typeof found === 'string' ? found : `${child.name} ended ${described(found)} before it was ready`;
  throw new Error(`${why}\n${tail(child.logFile)}`);
}

export function described({ code, signal }: Exit): string {
  return signal ? `by ${signal}` : `with code ${code}`;
}

export function tail(file: string, lines = 30): string {
  const last = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines);
  return `its log ends:\n${last.map((line) => `  ${line}`).join('\n')}`;
}
