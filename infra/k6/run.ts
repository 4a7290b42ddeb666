// One run of k6, as a child process.
import { execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../native/leftovers.ts';

export interface K6Run {
  /** Absolute, or relative to the root. */
  script: string;
  env: Record<string, string>;
  /** Absolute: takes what the script says with console.log, line for line. */
  consoleFile?: string;
  /** Absolute: takes the summary of the run, as JSON. */
  summaryFile?: string;
  /** Nothing is printed but what went wrong. */
  quiet?: boolean;
  /** Ends the run early. */
  signal?: AbortSignal;
}

/** What is run in front of k6's own arguments. */
export interface Command {
  command: string;
  args: string[];
}

const ANSWER_MS = 10_000;
/** Asked to stop, k6 lets what is under way come to its end; teardown included. */
const STOP_MS = 30_000;

/** Undefined where the command cannot be run. */
export async function versionOf({ command, args }: Command, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const asked = promisify(execFile)(command, [...args, 'version'], { env, timeout: ANSWER_MS });
  const { stdout } = await asked.catch(() => ({ stdout: '' }));
  return /^k6(?:\.exe)? v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

export function runCommand({ command, args }: Command, options: K6Run, env: NodeJS.ProcessEnv): Promise<number> {
  const { quiet = false, consoleFile, signal } = options;
  // k6 would write behind what is there.
  if (consoleFile) rmSync(consoleFile, { force: true });
  return new Promise((done, failed) => {
    const child = spawn(command, [...args, ...runArguments(options)], {
      cwd: ROOT,
      env: { ...env, ...options.env },
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
    });
    const stop = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
    };
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    child.once('error', failed);
    child.once('exit', (code) => {
      signal?.removeEventListener('abort', stop);
      done(code ?? 1);
    });
  });
}

// Without an address k6 opens no port for its REST API, so that two may run beside each other.
function runArguments({ script, consoleFile, summaryFile, quiet = false }: K6Run): string[] {
  return [
    ...['run', '--address', '', '--no-usage-report'],
    ...(process.stdout.isTTY && !quiet ? [] : ['--quiet', '--no-color']),
    // Raw, so that a line is what the script said; elsewhere it would cost a warning its reason.
    ...(consoleFile ? ['--console-output', consoleFile, '--log-format', 'raw'] : []),
    ...(summaryFile ? ['--summary-export', summaryFile] : []),
    resolve(ROOT, script),
  ];
}
