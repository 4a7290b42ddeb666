// pids.json of a run: who owns the directory and which processes it started, each named by pid and start time.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';

export type StopSignal = 'SIGTERM' | 'SIGINT';
export type Identity = { pid: number; started: string };
/** `last`: others need it until they are gone. */
export type Recorded = { name: string; pid: number; stopSignal: StopSignal; last?: boolean };
export type Pids = { owner: Identity; processes: (Recorded & Identity)[]; containers: string[] };

export function createPids(dir: string): void {
  const pids: Pids = { owner: ourselves(), processes: [], containers: [] };
  fs.writeFileSync(join(dir, 'pids.json'), JSON.stringify(pids), { flag: 'wx', mode: 0o600 });
}

export function readPids(dir: string): Pids | undefined {
  try {
    return JSON.parse(fs.readFileSync(join(dir, 'pids.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

export function record(dir: string, process: Recorded): void {
  const started = startTime(process.pid);
  if (started) change(dir, (pids) => pids.processes.push({ ...process, started }));
}

export function recordContainer(dir: string, id: string): void {
  change(dir, (pids) => pids.containers.push(id));
}

export function forget(dir: string, pid: number): void {
  change(dir, (pids) => {
    pids.processes = pids.processes.filter((one) => one.pid !== pid);
  });
}

/** The pid of the living process that owns the directory. */
export function ownerOf(dir: string): number | undefined {
  const owner = readPids(dir)?.owner;
  return owner && isAlive(owner) ? owner.pid : undefined;
}

export const isAlive = ({ pid, started }: Identity) => startTime(pid) === started;

const ourselves = (): Identity => ({ pid: process.pid, started: startTime(process.pid) ?? '' });

// Synchronous, and renamed into place: a kill -9 at any moment leaves a whole file.
function change(dir: string, edit: (pids: Pids) => void): void {
  const pids = readPids(dir);
  if (pids?.owner.pid !== process.pid) return;
  edit(pids);
  const file = join(dir, 'pids.json');
  fs.writeFileSync(`${file}.new`, JSON.stringify(pids), { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** A moment that, with the pid, names one process for ever; undefined when it is gone (a zombie counts as gone). */
export function startTime(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeByPs(pid);
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and parentheses: count the fields behind the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startTimeByPs(pid: number): string | undefined {
  try {
    const said = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return said.startsWith('Z') ? undefined : said.slice(said.indexOf(' ')).trim() || undefined;
  } catch {
    return undefined;
  }
}
