// Docker as the tests ask for it: is there an engine that can run docker-compose.yml, and a project of one's own on it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ROOT, startTime } from '../native/leftovers.ts';

const ANSWER_MS = 10_000;
const PULL_MS = 180_000;
const DOWN_MS = 120_000;
/** The first engine that mounts a folder of a volume. */
const OLDEST_ENGINE = 26;
const PROJECT = 'flashsale-test-';

export const ownProject = () => `${PROJECT}${process.pid}`;

const exec = promisify(execFile);
const docker = async (args: string[], timeout = ANSWER_MS) =>
  (await exec('docker', args, { cwd: ROOT, encoding: 'utf8', timeout })).stdout.trim();

/** Undefined where docker-compose.yml can be tried, else what is missing. */
export async function whyNoDocker(): Promise<string | undefined> {
  const version = await docker(['version', '--format', '{{.Server.Version}}']).catch(() => undefined);
  if (!version) return 'no Docker engine answers';
  if (Number.parseInt(version, 10) < OLDEST_ENGINE) return `Docker ${version} is older than ${OLDEST_ENGINE}`;
  const compose = await docker(['compose', 'version']).catch(() => undefined);
  if (!compose) return 'no docker compose';
  for (const image of upstreamImages()) {
    const here = await docker(['image', 'inspect', image]).catch(() => undefined);
    if (!here && !(await docker(['pull', '-q', image], PULL_MS).catch(() => undefined)))
      return `${image} is not here and cannot be pulled`;
  }
  return undefined;
}

function upstreamImages(): Set<string> {
  const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
  const named = [
    ...read('docker-compose.yml').matchAll(/^ +image: ([\w.-]+:[\w.-]+)$/gm),
    ...read('infra/node/Dockerfile').matchAll(/^FROM (\S+:\S+)/gm),
  ];
  return new Set(named.map(([, image]) => image as string));
}

/** Containers, networks, volumes and images of a project of ours. */
export async function removeProject(project: string): Promise<void> {
  const options = ['-v', '--remove-orphans', '-t', '5', '--rmi', 'local'];
  for (let attempts = 3; ; await sleep(1_000)) {
    try {
      await docker(['compose', '-p', project, '--profile', '*', 'down', ...options], DOWN_MS);
      break;
    } catch (error) {
      // A command that was ended too may still be removing its own container.
      attempts -= 1;
      if (attempts === 0) throw error;
    }
  }
  await docker(['image', 'rm', '-f', `${project}-loadtest`]).catch(() => undefined);
}

/** What a killed run left: its containers would start again with the machine. */
export async function removeLeftovers(): Promise<void> {
  const projects: { Name: string }[] = JSON.parse(await docker(['compose', 'ls', '-a', '--format', 'json']));
  for (const { Name } of projects) {
    const pid = Number(Name.startsWith(PROJECT) && Name.slice(PROJECT.length));
    if (pid && !startTime(pid)) await removeProject(Name);
  }
}
