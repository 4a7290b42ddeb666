// node infra/native/run.mjs [--servers] [--wrk] FILE [args…]: what every npm script calls. Plain JS that any Node >= 18
// runs: makes sure of the packages, the servers (with --servers), wrk (with --wrk) and a Node >= 24, then hands over to FILE.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';
import { prepareServers, prepareWrk } from './install-servers.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const BIN = join(ROOT, 'node_modules/.bin');

const options = process.argv.slice(2);
const needsServers = options[0] === '--servers' && Boolean(options.shift());
const needsWrk = options[0] === '--wrk' && Boolean(options.shift());
const [file, ...args] = options.filter((option) => option !== '--yes');
if (!file) fail('usage: node infra/native/run.mjs [--servers] [--wrk] FILE [args…]');

try {
  await installPackages(ROOT);
  const yes = options.includes('--yes');
  const env = needsServers ? await prepareServers(ROOT, { yes }) : {};
  if (needsWrk) await prepareWrk(ROOT, { yes });
  handOver(findNode(), [file, ...args], { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}`, ...env });
} catch (error) {
  fail(error.message);
}

function findNode() {
  const packaged = join(BIN, 'node');
  for (const node of [packaged, process.execPath]) {
    if (existsSync(node) && majorOf(node) >= 24) return node;
  }
  throw new Error(
    `this project needs Node 24 or newer, here is ${process.version}, and npm has none for ${process.platform}-${process.arch}: ` +
      'install it from https://nodejs.org',
  );
}

function majorOf(node) {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.slice(1).split('.')[0]) : 0;
}

// The child shares our process group, so a terminal's Ctrl-C has reached it already; a signal sent to us alone has not.
// Nobody can tell the two apart here: pass on everything, and let FILE treat the second as the first.
function handOver(node, argv, env) {
  const child = spawn(node, argv, { cwd: ROOT, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => fail(`${node}: ${error.message}`));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
