// Postgres, Redis and RabbitMQ for this machine: already there, installed with apt after asking, or as containers.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { execa } from 'execa';
import { findServers } from './find-servers.ts';
import { ROOT } from './leftovers.ts';

const BY_HAND = {
  brew: 'brew install postgresql@17 redis rabbitmq',
  dnf: 'sudo dnf install postgresql-server redis rabbitmq-server',
  pacman: 'sudo pacman -S postgresql valkey rabbitmq',
  apk: 'apk add postgresql redis rabbitmq-server',
  'apt-get': 'sudo apt-get install postgresql redis-server rabbitmq-server',
};

async function prepareServers(): Promise<void> {
  if (process.env.FLASHSALE_SERVERS === 'docker') return;
  let { missing, tooOld } = findServers();
  // apt would install the very version that is too old.
  if (missing.length > 0 && tooOld.length === 0 && (await installWithApt(missing)))
    ({ missing, tooOld } = findServers());
  const problems = missing.length > 0 ? [...tooOld, `missing here: ${missing.join(', ')}`] : tooOld;
  if (problems.length === 0) return;
  if (!succeeds('docker', ['version']))
    throw new Error(`${problems.join('\n')}\nInstall what is needed, or start Docker, and try again:\n  ${byHand()}`);
  console.log([...tooOld, 'using Docker containers for Postgres, Redis and RabbitMQ'].join('\n'));
}

/** The words before a command that root must run, or undefined. */
function waysToRoot(): string[] | undefined {
  if (!succeeds('apt-get', ['--version'])) return undefined;
  if (process.getuid?.() === 0) return [];
  const interactive = process.stdin.isTTY && succeeds('sudo', ['--version']);
  return interactive || succeeds('sudo', ['-n', 'true']) ? ['sudo'] : undefined;
}

async function agreed(packages: string[]): Promise<boolean> {
  console.log(`to be installed with apt-get, neither started nor enabled: ${packages.join(', ')}`);
  if (!process.stdin.isTTY || process.env.npm_config_yes === 'true') return true;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const reply = await terminal.question('install them now? (npm run … --yes does not ask) [Y/n] ');
  terminal.close();
  return /^(y|yes|)$/i.test(reply.trim());
}

/** False without root, or when the user declines. */
async function installWithApt(packages: string[]): Promise<boolean> {
  const asRoot = waysToRoot();
  if (!asRoot || !(await agreed(packages))) return false;
  const [command = '', ...args] = [...asRoot, 'sh', join(ROOT, 'infra/native/apt-install.sh'), ...packages];
  const script = execa(command, args, { stdio: 'inherit', reject: false });
  // Ctrl-C must end the script, which puts things back, and not this process before it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => script.kill(signal));
  if ((await script).failed) throw new Error(`apt-get could not install ${packages.join(', ')}: see above`);
  return true;
}

function byHand(): string {
  const manager = Object.entries(BY_HAND).find(([name]) => succeeds(name, ['--version']));
  return manager ? manager[1] : "postgresql, redis and rabbitmq, with this system's package manager";
}

const succeeds = (command: string, args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;

await prepareServers().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
