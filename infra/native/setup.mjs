// node infra/native/setup.mjs [--servers] [-- COMMAND…]: what npm itself cannot do before a script. Plain JS for any
// Node >= 18: the packages of package-lock.json, a Node >= 24, and with --servers Postgres, Redis and RabbitMQ; silent
// when all is there. The commands then run one after the other, and unlike a shell's && they end when this process is
// asked to end. The scripts go on with `exec env node`: `exec`, so that a signal to npm reaches Node itself, and `env`,
// because a shell remembers the `node` that it found before the packages brought a newer one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const BIN = join(ROOT, 'node_modules/.bin');
const NODE = join(BIN, 'node');
const PLATFORM = `${process.platform}-${process.arch}`;
const LOCK = join(ROOT, '.local/install.lock');
const WITHOUT_BIN = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== BIN);
const WITH_BIN = [BIN, ...WITHOUT_BIN];

async function setUp(args) {
  if (!isInstalled()) await withLock(async () => isInstalled() || (await installPackages()));
  linkNode();
  if (!fs.existsSync(NODE) && Number.parseInt(process.versions.node, 10) < 24)
    throw new Error(
      `this project needs Node 24 or newer, here is ${process.version}, and npm has none for ${PLATFORM}: ` +
        'install it from https://nodejs.org',
    );
  if (args.includes('--servers')) await run('node', [join(ROOT, 'infra/native/install-servers.ts')]);
  for (const command of args.filter((each) => !each.startsWith('--'))) await run('sh', ['-c', `exec ${command}`]);
}

// By npm's own record of node_modules, so that an `npm install` by hand counts as well.
function isInstalled() {
  const there = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(([path, { version, optional, os, cpu, libc }]) => {
    if (!path.includes('node_modules/')) return true;
    if (there[path]) return there[path].version === version;
    return optional && os && (!os.includes(process.platform) || !cpu?.includes(process.arch) || libc);
  });
}

const packagesOf = (file) =>
  fs.existsSync(join(ROOT, file)) ? JSON.parse(fs.readFileSync(join(ROOT, file), 'utf8')).packages : {};

async function installPackages() {
  const from = Date.now();
  console.log('installing the npm packages of package-lock.json (npm ci) …');
  // optional: a Node 24 for this platform is among them; dev: the linter and the compiler are needed to run the tests.
  const args = ['ci', '--include=optional', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // `npm ci` removes node_modules first, and with it the Node that npm's scripts find first.
  await run('npm', args, WITHOUT_BIN);
  console.log(`npm packages installed (${((Date.now() - from) / 1000).toFixed(0)} s)`);
}

// npm 9 takes this link away again with the package of the other architecture, which has one of the same name.
function linkNode() {
  const packaged = `../node-${PLATFORM}/bin/node`;
  if (!fs.existsSync(NODE) && fs.existsSync(join(BIN, packaged))) fs.symlinkSync(packaged, NODE);
}

// A terminal's Ctrl-C reaches the child by itself, a signal sent to this process alone does not: each is passed on, and
// the child treats the second as the first.
async function run(command, args, path = WITH_BIN) {
  const env = { ...process.env, PATH: path.join(delimiter) };
  const child = spawn(command, args, { cwd: ROOT, env, stdio: 'inherit' });
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
  const [code, signal] = await once(child, 'exit');
  for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(each, pass);
  if (code !== 0) process.exit(code ?? 128 + constants.signals[signal]);
}

/** One at a time on this checkout; a lock whose holder is gone does not count. */
async function withLock(work) {
  fs.mkdirSync(join(ROOT, '.local'), { recursive: true });
  for (let waiting = false; !take(); waiting = true) {
    if (!waiting) console.log('another process is installing: waiting for it …');
    await sleep(200);
  }
  await work();
  fs.rmSync(LOCK, { force: true });
}

function take() {
  try {
    fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    process.kill(Number(fs.readFileSync(LOCK, 'utf8')), 0);
  } catch (error) {
    if (error.code === 'ESRCH') fs.rmSync(LOCK, { force: true });
  }
  return false;
}

await setUp(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
