// k6, an external tool that is run and never linked: from the PATH, built once with Go, or the official image.
import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { ROOT } from '../native/leftovers.ts';
import { whyNoImage } from '../node/engine.ts';

export interface K6Run {
  /** Absolute, or relative to the root. */
  script: string;
  env: Record<string, string>;
  /** Both absolute: the script's console.log line for line, and the summary of the run as JSON. */
  consoleFile?: string;
  summaryFile?: string;
  /** Prints errors alone. */
  quiet?: boolean;
  /** Ends the run early. */
  signal?: AbortSignal;
}

export interface K6 {
  version: string;
  how: string;
  /** False where an engine runs it: its CPU time is then not that of a child of this process. */
  isChild: boolean;
  /** Resolves with the exit code of `k6 run SCRIPT` (99: a threshold was crossed). */
  run(options: K6Run): Promise<number>;
}

/** The release that is built or pulled. */
export const PINNED = '1.8.1';
export const IMAGE = `grafana/k6:${PINNED}`;
const BUILD_MS = 20 * 60_000;
const PROGRESS_MS = 15_000;

export const HOW_TO_GET_IT =
  'k6 is needed for this, and is not here. One of these is enough: put k6 1.0 or newer on the PATH ' +
  `(https://grafana.com/docs/k6/latest/set-up/install-k6/), or Go, which builds it once, or start a Docker engine ` +
  `that has, or can pull, ${IMAGE}.`;

type Env = NodeJS.ProcessEnv;

export async function findK6(log: (line: string) => void, env: Env = process.env): Promise<K6> {
  const onPath = await versionOf('k6', env);
  // 1.0 is the first that runs TypeScript.
  if (onPath && Number.parseInt(onPath, 10) >= 1) return local('k6', onPath, 'PATH', env);
  if (onPath) log(`k6 ${onPath} on the PATH is too old`);

  const built = await buildOnce(log, env);
  if (built) return local(built, PINNED, 'built with go', env);

  const missing = await whyNoImage(IMAGE, env, log);
  if (missing) {
    log(missing);
    throw new Error(HOW_TO_GET_IT);
  }
  const run = (options: K6Run) => runK6(['docker', ...inImage(options)], options, env);
  return { version: PINNED, how: `image ${IMAGE}`, isChild: false, run };
}

function local(program: string, version: string, how: string, env: Env): K6 {
  return { version, how, isChild: true, run: (options) => runK6([program], options, env) };
}

async function versionOf(program: string, env: Env): Promise<string | undefined> {
  const { stdout } = await execa(program, ['version'], { env, extendEnv: false, timeout: 10_000, reject: false });
  return /^k6(?:\.exe)? v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

/** The path of the program in the user's cache; undefined without Go, or where the build fails. */
async function buildOnce(log: (line: string) => void, env: Env): Promise<string | undefined> {
  const dir = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'flashsale', `k6-${PINNED}`);
  const program = join(dir, 'k6');
  if (await versionOf(program, env)) return program;
  const options = { env: { ...env, GOBIN: dir }, extendEnv: false, reject: false } as const;
  if ((await execa('go', ['version'], options)).failed) return undefined;

  log(`building k6 ${PINNED} with Go into ${dir}: this takes some minutes, once`);
  const from = Date.now();
  const progress = setInterval(() => log(`  building for ${Math.round((Date.now() - from) / 1000)} s`), PROGRESS_MS);
  const built = await execa('go', ['install', `go.k6.io/k6@v${PINNED}`], { ...options, timeout: BUILD_MS });
  clearInterval(progress);
  if (!built.failed) return program;
  log(`k6 could not be built: ${built.timedOut ? 'it took too long' : built.stderr.split('\n').at(-1)}`);
  return undefined;
}

/** On the host's network, where the stack is; as the caller, whose files it reads and writes under their own paths. */
function inImage({ env, consoleFile, summaryFile }: K6Run): string[] {
  const files = [consoleFile, summaryFile, env.ADDRESS_BOOK].filter((file) => file !== undefined);
  const folders = [...new Set(files.map((file) => dirname(file)))];
  return [
    ...['run', '--rm', '--network', 'host'],
    ...(process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.()}`] : []),
    ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...['--volume', `${ROOT}:${ROOT}:ro`, ...folders.flatMap((folder) => ['--volume', `${folder}:${folder}`])],
    ...['--workdir', ROOT, ...Object.keys(env).flatMap((key) => ['--env', key])],
    IMAGE,
  ];
}

async function runK6([program = '', ...before]: string[], options: K6Run, env: Env): Promise<number> {
  const { script, consoleFile, summaryFile, quiet = false, signal } = options;
  // k6 would append.
  if (consoleFile) rmSync(consoleFile, { force: true });
  const args = [
    // Without an address k6 opens no port for its REST API, so that two may run beside each other.
    ...[...before, 'run', '--address', '', '--no-usage-report'],
    ...(process.stdout.isTTY && !quiet ? [] : ['--quiet', '--no-color']),
    // Raw, so that a line is what the script logged; without a file it would cost a warning its reason.
    ...(consoleFile ? ['--console-output', consoleFile, '--log-format', 'raw'] : []),
    ...(summaryFile ? ['--summary-export', summaryFile] : []),
    resolve(ROOT, script),
  ];
  const { exitCode } = await execa(program, args, {
    ...{ cwd: ROOT, env: { ...env, ...options.env }, extendEnv: false, reject: false },
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
    ...(signal && { cancelSignal: signal }),
    // After SIGTERM k6 finishes the iterations under way and its teardown.
    forceKillAfterDelay: 30_000,
  });
  return exitCode ?? 1;
}
