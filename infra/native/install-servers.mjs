// Postgres, Redis and RabbitMQ on this machine: already there, installed with apt after asking, or as containers. And wrk.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { missingServers } from './find-servers.mjs';
import { withLock } from './install.mjs';

const BY_HAND = {
  brew: 'brew install postgresql@17 redis rabbitmq',
  dnf: 'sudo dnf install postgresql-server redis rabbitmq-server',
  pacman: 'sudo pacman -S postgresql valkey rabbitmq',
  apk: 'apk add postgresql redis rabbitmq-server',
  'apt-get': 'sudo apt-get install postgresql redis-server rabbitmq-server',
};

/** What the child's environment needs, so that it finds its servers. */
export async function prepareServers(root, { yes }) {
  if (process.env.FLASHSALE_SERVERS === 'docker' || missingServers().length === 0) return {};
  const asRoot = canInstall();
  if (asRoot && (await withLock(root, () => installWithApt(root, { asRoot, yes, missing: missingServers })))) return {};
  if (succeeds('docker', ['version'])) {
    console.log('using Docker containers for Postgres, Redis and RabbitMQ');
    return { FLASHSALE_SERVERS: 'docker' };
  }
  throw new Error(
    `missing here: ${missingServers().join(', ')}. Install what is missing, or start Docker, and try again:\n  ${byHand()}`,
  );
}

/** The load of the bench; no server, and so nothing that would be started. */
export async function prepareWrk(root, { yes }) {
  const missing = () => (has('wrk') ? [] : ['wrk']);
  if (missing().length === 0) return;
  const asRoot = canInstall();
  if (asRoot && (await withLock(root, () => installWithApt(root, { asRoot, yes, missing })))) return;
  throw new Error(
    'missing here: wrk, which makes the load. Install it (its package is called wrk nearly everywhere) and try again',
  );
}

/** How to become root for apt: directly, through sudo, or not at all. */
function canInstall() {
  if (!has('apt-get')) return undefined;
  if (process.getuid() === 0) return [];
  if (!has('sudo')) return undefined;
  return process.stdin.isTTY || succeeds('sudo', ['-n', 'true']) ? ['sudo'] : undefined;
}

async function installWithApt(root, { asRoot, yes, missing }) {
  const packages = missing();
  if (packages.length === 0) return true;
  console.log(
    `to be installed with apt-get: ${packages.join(', ')} (nothing of it is started or enabled; they run privately)`,
  );
  if (process.stdin.isTTY && !yes && !(await agreed())) return false;
  const script = join(root, 'infra/native/apt-install.sh');
  const [command, ...args] = [...asRoot, 'sh', script, ...packages];
  // Ctrl-C must end the script, which puts things back, and not us before it.
  const wait = () => {};
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, wait);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, wait);
  if (status !== 0) throw new Error(`apt-get could not install ${packages.join(', ')}: see above`);
  return missing().length === 0;
}

async function agreed() {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('install them now? [Y/n] ');
  terminal.close();
  return /^(y|yes|)$/i.test(answer.trim());
}

function byHand() {
  const manager = Object.keys(BY_HAND).find(has);
  return manager ? BY_HAND[manager] : "postgresql, redis and rabbitmq, with this system's package manager";
}

const has = (command) => (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, command)));
const succeeds = (command, args) => spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
