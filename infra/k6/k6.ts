// k6, wherever it is: on the PATH, built once with Go, or as an image. An external tool that is run and never linked.
import { findBuilt } from './built.ts';
import { IMAGE, imageCommand, whyNoImage } from './image.ts';
import { type Command, type K6Run, runCommand, versionOf } from './run.ts';

export type { K6Run };
export interface K6 {
  version: string;
  /** For people. */
  how: string;
  /** Whether it runs as a child of this process, so that its CPU time can be told; not where an engine runs it. */
  isChild: boolean;
  /** Runs `k6 run SCRIPT`; answers its exit code (99 = thresholds crossed). */
  run(options: K6Run): Promise<number>;
}

type Say = (line: string) => void;

/** The release that is built or pulled; one on the PATH may be another, from OLDEST_MAJOR on. */
export const PINNED = '1.8.1';
/** The first that runs TypeScript as it is. */
const OLDEST_MAJOR = 1;

export const HOW_TO_GET_IT =
  'k6 is needed for this, and is not here. One of these is enough: put k6 1.0 or newer on the PATH ' +
  `(https://grafana.com/docs/k6/latest/set-up/install-k6/), or Go, with which it is built once, or start a Docker engine ` +
  `that has, or can pull, ${IMAGE}:${PINNED}.`;

export async function findK6(say: Say, env: NodeJS.ProcessEnv = process.env): Promise<K6> {
  const onPath = await versionOf({ command: 'k6', args: [] }, env);
  if (onPath && Number.parseInt(onPath, 10) >= OLDEST_MAJOR) return found(onPath, 'PATH', () => local('k6'), env);
  if (onPath) say(`k6 ${onPath} on the PATH is too old`);

  const built = await findBuilt(PINNED, say, env);
  if (built) return found(PINNED, 'built with go', () => local(built), env);

  const missing = await whyNoImage(PINNED, say, env);
  if (!missing)
    return {
      ...found(PINNED, `image ${IMAGE}:${PINNED}`, (options) => imageCommand(PINNED, options), env),
      isChild: false,
    };
  say(missing);
  throw new Error(HOW_TO_GET_IT);
}

const local = (command: string): Command => ({ command, args: [] });

function found(version: string, how: string, commandFor: (options: K6Run) => Command, env: NodeJS.ProcessEnv): K6 {
  return { version, how, isChild: true, run: (options) => runCommand(commandFor(options), options, env) };
}
