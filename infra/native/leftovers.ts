// The directory of a run: taken by one owner, and cleared by whoever comes after a kill -9 of that owner.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPids, type Identity, isAlive, ownerOf, type Pids, type Recorded, readPids } from './pids.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const LOCAL = join(ROOT, '.local');
export const TEMPORARY_DATA = 'flashsale-postgres-';
export const TEMPORARY_RUN = 'flashsale-native-';

/** Takes a directory for this process, clean; ends what a dead owner left there. Taking it again changes nothing. */
export async function claim(dir: string): Promise<void> {
  const owner = ownerOf(dir);
  if (owner === process.pid) return;
  if (owner) throw new Error(`${dir} is in use by process ${owner}`);
  await stopLeftovers(dir);
  removeDir(dir);
  fs.mkdirSync(dir, { recursive: true });
  // Postgres, which will not run as root, must be able to pass through.
  fs.chmodSync(dir, 0o711);
  createPids(dir);
}

/** Ends the processes recorded in a directory that are still the same processes. Returns their names. */
export async function stopLeftovers(dir: string): Promise<string[]> {
  const pids = readPids(dir);
  if (!pids) return [];
  const alive = pids.processes.filter(isAlive);
  await Promise.all(alive.filter(({ last }) => !last).map(end));
  await Promise.all(alive.filter(({ last }) => last).map(end));
  for (const id of pids.containers) removeContainer(id);
  removeTemporaryData(dir);
  if (sameOwner(readPids(dir), pids)) release(dir);
  return [...alive.map(({ name }) => name), ...pids.containers.map((id) => `container ${id.slice(0, 12)}`)];
}

/** The same for every run under .local whose owner is gone, and removes what it left. */
export async function sweepLeftovers(say: (line: string) => void = () => {}, local = LOCAL): Promise<void> {
  for (const name of fs.existsSync(local) ? fs.readdirSync(local) : []) {
    const dir = join(local, name);
    if (!readPids(dir) || ownerOf(dir)) continue;
    const ended = await stopLeftovers(dir);
    if (ended.length > 0) say(`ended what a killed run had left behind in ${dir}: ${ended.join(', ')}`);
    if (!readPids(dir)) removeDir(dir);
  }
}

/** Nobody's any more: what is left in it is for reading. */
export function release(dir: string): void {
  for (const file of ['stack.json', 'pids.json']) fs.rmSync(join(dir, file), { force: true });
}

// Only below .local, and what we made in the temporary directory ourselves: a clone may lie there too, and a mistyped
// directory must not cost anybody their files.
export function removeDir(dir: string): void {
  const path = resolve(dir);
  const [first = ''] = relative(tmpdir(), path).split(sep);
  const made = [TEMPORARY_DATA, TEMPORARY_RUN].some((prefix) => first.startsWith(prefix));
  if (!path.startsWith(LOCAL + sep) && !made)
    throw new Error(`${dir} is neither under ${LOCAL} nor ours in ${tmpdir()}: not removed`);
  removeTemporaryData(dir);
  removeTree(dir);
}

/** Postgres' data, when they had to be kept outside the directory behind a link. */
export function removeTemporaryData(dir: string): void {
  const link = join(dir, 'postgres');
  if (!fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = fs.readlinkSync(link);
  if (dirname(target) === tmpdir() && basename(target).startsWith(TEMPORARY_DATA)) {
    removeTree(target);
  }
  fs.rmSync(link);
}

// Again, should a process that is just ending have put one more file there.
const removeTree = (dir: string) => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });

// Patient for a moment only: nobody waits for what they still do.
async function end(process: Recorded & Identity): Promise<void> {
  kill(process.pid, process.stopSignal);
  for (let waited = 0; isAlive(process) && waited < 3000; waited += 50) await sleep(50);
  if (isAlive(process)) kill(process.pid, 'SIGKILL');
  for (let waited = 0; isAlive(process) && waited < 2000; waited += 50) await sleep(50);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {}
}

function removeContainer(id: string): void {
  try {
    execFileSync('docker', ['rm', '-f', '-v', id], { stdio: 'ignore' });
  } catch {}
}

const sameOwner = (one: Pids | undefined, other: Pids) =>
  one?.owner.pid === other.owner.pid && one.owner.started === other.owner.started;
