// k6 as its makers' image, where a Docker engine has it or can pull it.
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../native/leftovers.ts';
import type { Command, K6Run } from './run.ts';

export const IMAGE = 'grafana/k6';
const ANSWER_MS = 10_000;
const PULL_MS = 5 * 60_000;

const docker = (args: string[], env: NodeJS.ProcessEnv, timeout = ANSWER_MS) =>
  promisify(execFile)('docker', args, { env, timeout }).then(({ stdout }) => stdout.trim());

/** Undefined when it is here. */
export async function whyNoImage(
  version: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const image = `${IMAGE}:${version}`;
  const engine = await docker(['version', '--format', '{{.Server.Version}}'], env).catch(() => undefined);
  if (!engine) return 'no Docker engine answers';
  const here = await docker(['image', 'inspect', '--format', '{{.Id}}', image], env).catch(() => undefined);
  if (here) return undefined;
  say(`pulling ${image}`);
  const pulled = await docker(['pull', '-q', image], env, PULL_MS).catch(() => undefined);
  return pulled ? undefined : `${image} is not here and cannot be pulled`;
}

/** On the host's network, where the stack is; as the caller, whose files it reads and writes under their own paths. */
export function imageCommand(version: string, { env, consoleFile, summaryFile }: K6Run): Command {
  const folders = [consoleFile, summaryFile, env.ADDRESS_BOOK].flatMap((file) => (file ? [dirname(file)] : []));
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.()}`] : [];
  const args = [
    ...['run', '--rm', '--network', 'host', ...user],
    ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...[
      '--volume',
      `${ROOT}:${ROOT}:ro`,
      ...[...new Set(folders)].flatMap((folder) => ['--volume', `${folder}:${folder}`]),
    ],
    ...['--workdir', ROOT, ...Object.keys(env).flatMap((key) => ['--env', key])],
    `${IMAGE}:${version}`,
  ];
  return { command: 'docker', args };
}
