// Child processes whose pid we know, in a process group of their own, and a clean end for each.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forget, record, type StopSignal } from './pids.ts';

export type Exit = { code: number | null; signal: NodeJS.Signals | null };
export type Child = {
  name: string;
  pid: number;
  logFile: string;
  exited: Promise<Exit>;
  exit(): Exit | undefined;
  /** Resolves to true when the process had to be killed. */
  stop(graceMs?: number): Promise<boolean>;
};
export type Start = {
  /** The directory of the run: its pids.json remembers the process in case we are killed. */
  dir: string;
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  user?: { uid: number; gid: number } | undefined;
  stopSignal?: StopSignal;
  last?: boolean;
};

// Detached: the terminal's Ctrl-C goes to the owner alone, who then stops everything in order.
export function startProcess(start: Start): Child {
  const { dir, name, command, args, env, cwd = dir, user, stopSignal = 'SIGTERM', last = false } = start;
  const logFile = join(dir, 'logs', `${name}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { cwd, env, ...user, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = whenExited(child);
  if (child.pid === undefined) throw new Error(`${name} cannot be started: ${command} is missing or not executable`);
  const pid = child.pid;
  record(dir, { name, pid, stopSignal, last });
  let exit: Exit | undefined;
  exited.then((how) => {
    exit = how;
    forget(dir, pid);
  });
  const stop = (graceMs = 10_000) => stopChild(child, exited, stopSignal, graceMs);
  return { name, pid, logFile, exited, exit: () => exit, stop };
}

function whenExited(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 127, signal: null }));
  });
}

async function stopChild(child: ChildProcess, exited: Promise<Exit>, signal: StopSignal, graceMs: number) {
  child.kill(signal);
  const patience = new AbortController();
  const late = sleep(graceMs, 'late' as const, { signal: patience.signal }).catch(() => undefined);
  const ended = await Promise.race([exited, late]);
  patience.abort();
  if (ended !== 'late') return false;
  child.kill('SIGKILL');
  await exited;
  return true;
}

export type Waiting = { everyMs?: number; deadlineMs?: number; signal?: AbortSignal | undefined };

/** Asks until the answer is yes; fails with the tail of the log when the process ends or the deadline passes. */
export async function untilReady(child: Child, ready: () => Promise<unknown>, waiting: Waiting = {}): Promise<void> {
  const { everyMs = 50, deadlineMs = 120_000, signal } = waiting;
  const deadline = Date.now() + deadlineMs;
  let problem = '';
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const exit = child.exit();
    if (exit) throw new Error(`${child.name} ended ${described(exit)} before it was ready\n${tail(child.logFile)}`);
    try {
      await ready();
      return;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    await sleep(everyMs, undefined, { ...(signal && { signal }) });
  }
  throw new Error(`${child.name} is not ready after ${deadlineMs / 1000} s (${problem})\n${tail(child.logFile)}`);
}

export function described({ code, signal }: Exit): string {
  return signal ? `by ${signal}` : `with code ${code}`;
}

export function tail(file: string, lines = 30): string {
  const last = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines);
  return `its log ends:\n${last.map((line) => `  ${line}`).join('\n')}`;
}
