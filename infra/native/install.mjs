// node_modules as package-lock.json wants it, once, also when several commands start together.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export async function installPackages(root) {
  if (isInstalled(root)) return;
  await withLock(root, () => {
    if (isInstalled(root)) return;
    const from = Date.now();
    console.log('installing the npm packages of package-lock.json (npm ci) …');
    // optional: a Node 24 for this platform is among them; dev: the linter and the compiler are needed to run the tests.
    const args = ['ci', '--include=optional', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status, error } = spawnSync('npm', args, { cwd: root, env: withoutOurNode(root), stdio: 'inherit' });
    if (status !== 0) throw new Error(`npm ci failed${error ? ` (${error.message})` : ''}: see above`);
    fs.writeFileSync(stamp(root), lockHash(root));
    console.log(`npm packages installed (${((Date.now() - from) / 1000).toFixed(0)} s)`);
  });
}

const stamp = (root) => join(root, 'node_modules/.flashsale-installed');
const lockHash = (root) =>
  createHash('sha256')
    .update(fs.readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

function isInstalled(root) {
  if (read(stamp(root)) === lockHash(root)) return true;
  if (!matchesByHand(root)) return false;
  fs.writeFileSync(stamp(root), lockHash(root));
  return true;
}

// After an `npm install` by hand everything may be there already: npm's own record of node_modules tells.
function matchesByHand(root) {
  const installed = read(join(root, 'node_modules/.package-lock.json'));
  if (!installed) return false;
  const there = JSON.parse(installed).packages;
  const wanted = Object.entries(JSON.parse(read(join(root, 'package-lock.json'))).packages);
  return wanted.every(([path, { version, optional, os, cpu, libc }]) => {
    if (!path.includes('node_modules/')) return true;
    if (there[path]) return there[path].version === version;
    const elsewhere = !os?.includes(process.platform) || !cpu?.includes(process.arch) || libc;
    return Boolean(optional && os && elsewhere);
  });
}

// `npm ci` removes node_modules first, and with it the Node that our own npm scripts find first.
function withoutOurNode(root) {
  const path = process.env.PATH.split(delimiter).filter((dir) => dir !== join(root, 'node_modules/.bin'));
  return { ...process.env, PATH: path.join(delimiter) };
}

/** One at a time on this checkout; a lock whose holder is gone does not count. */
export async function withLock(root, work) {
  const lock = join(root, '.local/install.lock');
  fs.mkdirSync(join(root, '.local'), { recursive: true });
  for (let waiting = false; !take(lock); waiting = true) {
    if (!waiting) console.log('another process is installing: waiting for it …');
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function take(lock) {
  const mine = `${lock}.${process.pid}`;
  fs.writeFileSync(mine, String(process.pid));
  try {
    fs.linkSync(mine, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const holder = read(lock);
    if (holder && !isRunning(Number(holder)) && read(lock) === holder) fs.rmSync(lock, { force: true });
    return false;
  } finally {
    fs.rmSync(mine, { force: true });
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
