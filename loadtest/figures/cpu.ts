// CPU seconds of processes, each with everything it started, as Linux counts them in /proc.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Linux reports in hundredths of a second, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

interface Stat {
  parent: number;
  seconds: number;
  /** Of children that have ended and were waited for. */
  endedSeconds: number;
}

export const canMeasureCpu = () => existsSync('/proc/self/stat');

/** Seconds so far of each tree of processes, by name; a tree whose root has ended is left out. */
export function cpuSeconds(roots: Record<string, number>): Record<string, number> {
  const stats = readAll();
  const children = Map.groupBy(stats.keys(), (pid) => stats.get(pid)?.parent);
  const within = (pid: number): number =>
    (stats.get(pid)?.seconds ?? 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + within(child), 0);
  return Object.fromEntries(
    Object.entries(roots).flatMap(([name, pid]) => {
      const root = stats.get(pid);
      return root ? [[name, within(pid) + root.endedSeconds]] : [];
    }),
  );
}

/** What each tree used from one reading to a later one. */
export const cpuUsed = (before: Record<string, number>, after: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after).flatMap(([name, seconds]) => {
      const from = before[name];
      return from === undefined ? [] : [[name, Math.max(0, seconds - from)]];
    }),
  );

/** Seconds so far of the children of this process that have ended, and of theirs; null where it cannot be read. */
export const endedChildrenSeconds = (): number | null => read('self')?.endedSeconds ?? null;

/** Nothing where there is no /proc. */
function readAll(): Map<number, Stat> {
  if (!canMeasureCpu()) return new Map();
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.flatMap((pid) => {
      const stat = read(pid);
      return stat ? [[Number(pid), stat] as const] : [];
    }),
  );
}

/** proc_pid_stat(5): the name, in brackets, may hold anything; parent is field 4, times are fields 14 to 17. */
function read(pid: string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = (field: number) => Number(fields[field - 3]) / TICKS_PER_SECOND;
    return { parent: Number(fields[1]), seconds: ticks(14) + ticks(15), endedSeconds: ticks(16) + ticks(17) };
  } catch {
    // It ended while we looked.
    return undefined;
  }
}
