// The directory of a run: owned by one process, which records there what it starts (pids.json), and cleared after a
// kill -9 of that owner.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { until } from '../until.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const LOCAL = join(ROOT, '.local');
export const TEMPORARY_DATA = 'flashsale-postgres-';

type Identity = { pid: number; started: string };
type Recorded = Identity & { name: string; stopSignal?: string | number | undefined; last: boolean };
type Pids = { owner: Identity; processes: Recorded[]; containers: string[] };

/** Takes a directory for this process, clean; ends what a dead owner left there. Taking it again changes nothing. */
export async function claim(dir: string): Promise<void> {
  const owner = ownerOf(dir);
  if (owner === process.pid) return;
  if (owner) throw new Error(`${dir} is in use by process ${owner}`);
  await stopLeftovers(dir);
  removeDir(dir);
  fs.mkdirSync(dir, { recursive: true });
  // Postgres, which refuses to run as root, must be able to pass through.
  fs.chmodSync(dir, 0o711);
  const pids: Pids = { owner: identityOf(process.pid), processes: [], containers: [] };
  fs.writeFileSync(join(dir, 'pids.json'), JSON.stringify(pids), { flag: 'wx', mode: 0o600 });
}

export function readPids(dir: string): Pids | undefined {
  try {
    return JSON.parse(fs.readFileSync(join(dir, 'pids.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

// Synchronous, and renamed into place: a kill -9 at any moment leaves a whole file.
export function changePids(dir: string, edit: (pids: Pids) => void): void {
  const pids = readPids(dir);
  if (pids?.owner.pid !== process.pid) return;
  edit(pids);
  const file = join(dir, 'pids.json');
  fs.writeFileSync(`${file}.new`, JSON.stringify(pids), { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** The pid of the living process that owns the directory. */
export function ownerOf(dir: string): number | undefined {
  const owner = readPids(dir)?.owner;
  return owner && isAlive(owner) ? owner.pid : undefined;
}

export const identityOf = (pid: number): Identity => ({ pid, started: startTime(pid) ?? '' });

export const isAlive = ({ pid, started }: Identity) => startTime(pid) === started;

/** A moment that, with the pid, names one process for ever; undefined when it is gone (a zombie counts as gone). */
export function startTime(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      const state = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
      return state.startsWith('Z') ? undefined : state.slice(state.indexOf(' ')).trim();
    }
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and parentheses: count the fields behind the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Ends the processes recorded in a directory that are still the same processes. Returns their names. */
export async function stopLeftovers(dir: string): Promise<string[]> {
  const pids = readPids(dir);
  if (!pids) return [];
  const alive = pids.processes.filter(isAlive);
  for (const last of [false, true]) await Promise.allSettled(alive.filter((one) => one.last === last).map(end));
  if (pids.containers.length > 0) spawnSync('docker', ['rm', '-f', '-v', ...pids.containers]);
  removeTemporaryData(dir);
  if (isDeepStrictEqual(readPids(dir)?.owner, pids.owner)) release(dir);
  return [...alive.map(({ name }) => name), ...pids.containers.map((id) => `container ${id.slice(0, 12)}`)];
}

async function end(one: Recorded): Promise<void> {
  const isGone = (withinMs: number) => until(`${one.name} has ended`, () => !isAlive(one), withinMs);
  process.kill(one.pid, one.stopSignal);
  await isGone(3000).catch(() => {
    process.kill(one.pid, 'SIGKILL');
    return isGone(2000);
  });
}

/** The same for every run under .local whose owner is gone, and removes what it left. */
export async function sweepLeftovers(log: (line: string) => void = () => {}, local = LOCAL): Promise<void> {
  for (const name of fs.globSync('*', { cwd: local })) {
    const dir = join(local, name);
    if (!readPids(dir) || ownerOf(dir)) continue;
    const ended = await stopLeftovers(dir);
    if (ended.length > 0) log(`ended what a killed run had left behind in ${dir}: ${ended.join(', ')}`);
    if (!readPids(dir)) removeDir(dir);
  }
}

/** Leaves the rest of the directory for reading. */
export function release(dir: string): void {
  for (const file of ['stack.json', 'pids.json']) fs.rmSync(join(dir, file), { force: true });
}

// Only below .local: a mistyped directory must not cost the user their files.
export function removeDir(dir: string): void {
  if (!resolve(dir).startsWith(LOCAL + sep)) throw new Error(`${dir} is not under ${LOCAL}: not removed`);
  removeTemporaryData(dir);
  removeTree(dir);
}

/** The data of Postgres, when they had to be kept in the temporary directory behind a link. */
export function removeTemporaryData(dir: string): void {
  const link = join(dir, 'postgres');
  if (!fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = fs.readlinkSync(link);
  if (target.startsWith(join(tmpdir(), TEMPORARY_DATA))) removeTree(target);
  fs.rmSync(link);
}

// Again, should a process that is just ending have put one more file there.
const removeTree = (dir: string) => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
