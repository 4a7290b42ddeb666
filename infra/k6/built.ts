// k6 built from its source, once for each version, outside the repository.
import { execFile, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { versionOf } from './run.ts';

const BUILD_MS = 20 * 60_000;
const TELL_EVERY_MS = 15_000;

/** The path of the program; undefined where there is no Go, or it does not come to an end. */
export async function findBuilt(
  version: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const dir = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'flashsale', `k6-${version}`);
  const program = join(dir, 'k6');
  if (await versionOf({ command: program, args: [] }, env)) return program;
  const go = await promisify(execFile)('go', ['version'], { env }).catch(() => undefined);
  if (!go) return undefined;
  say(`building k6 ${version} with Go into ${dir}: this takes some minutes, once`);
  const problem = await build(version, say, { ...env, GOBIN: dir });
  if (!problem) return program;
  say(`k6 could not be built: ${problem}`);
  return undefined;
}

/** Undefined when it is built. */
function build(version: string, say: (line: string) => void, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const from = Date.now();
  const telling = setInterval(() => say(`  building for ${Math.round((Date.now() - from) / 1000)} s`), TELL_EVERY_MS);
  const child = spawn('go', ['install', `go.k6.io/k6@v${version}`], {
    env,
    timeout: BUILD_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code) => {
      clearInterval(telling);
      resolve(code === 0 ? undefined : said.trim().split('\n').at(-1) || 'it took too long');
    });
  });
}
