// Docker for the tests and for k6: whether an engine can run docker-compose.yml or an image, and the tests' projects.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { ROOT, startTime } from '../native/leftovers.ts';
import { until } from '../until.ts';

const PULL_MS = 5 * 60_000;
const DOWN_MS = 120_000;
/** The first engine that mounts a folder of a volume. */
const OLDEST_ENGINE = 26;
const VERSION = ['version', '-f', '{{.Server.Version}}'];
const NO_ENGINE = 'no Docker engine answers';

export const ownProject = () => `flashsale-test-${process.pid}`;

/** The output; undefined where the command fails. */
async function docker(args: string[], env = process.env, timeout = 10_000): Promise<string | undefined> {
  const { failed, stdout } = await execa('docker', args, { cwd: ROOT, env, extendEnv: false, timeout, reject: false });
  return failed ? undefined : stdout;
}

/** Undefined where docker-compose.yml can be tried, else the reason. */
export async function whyNoDocker(): Promise<string | undefined> {
  const version = await docker(VERSION);
  if (!version) return NO_ENGINE;
  if (Number.parseInt(version, 10) < OLDEST_ENGINE) return `Docker ${version} is older than ${OLDEST_ENGINE}`;
  if (!(await docker(['compose', 'version']))) return 'no docker compose';
  const dockerfile = readFileSync(join(ROOT, 'infra/node/Dockerfile'), 'utf8');
  // k6's image, the only one with a slash, is needed in its profile alone.
  const images = [...dockerfile.matchAll(/^FROM ([\w.-]+:\S+)/gm)].map(([, image]) => image as string);
  const missing = await Promise.all(images.map((image) => whyNoImage(image)));
  return missing.find((reason) => reason);
}

/** Undefined where an engine has the image or could pull it, else the reason. */
export async function whyNoImage(image: string, env = process.env, log = (_line: string) => {}) {
  if (!(await docker(VERSION, env))) return NO_ENGINE;
  if (await docker(['image', 'inspect', '-f', '{{.Id}}', image], env)) return undefined;
  log(`pulling ${image}`);
  return (await docker(['pull', '-q', image], env, PULL_MS)) ? undefined : `${image} is not here and cannot be pulled`;
}

/** Removes a project's containers, networks, volumes and images, all of which are its own. */
export async function removeProject(project: string): Promise<void> {
  const down = ['compose', '-p', project, ...'--profile * down -v --remove-orphans -t 5 --rmi all'.split(' ')];
  // Again, because a command that was just killed may still be removing its own container.
  const removed = async () => (await docker(down, process.env, DOWN_MS)) !== undefined;
  await until(`${project} is removed`, removed, { withinMs: 10_000, everyMs: 1_000 });
}

/** Removes the projects of killed runs: their containers would start again with the machine. */
export async function removeLeftovers(): Promise<void> {
  const projects: { Name: string }[] = JSON.parse((await docker(['compose', 'ls', '-a', '--format', 'json'])) ?? '[]');
  for (const { Name } of projects) {
    const pid = Number(/^flashsale-test-(\d+)$/.exec(Name)?.[1]);
    if (pid && !startTime(pid)) await removeProject(Name);
  }
}
