// CPU seconds of processes, each with everything it started, as Linux counts them in /proc.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Linux reports in hundredths of a second, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

export const canMeasureCpu = () => existsSync('/proc/self/stat');

/** Seconds so far of each tree of processes, or the sum of several of one name; a name with a dead root is missing. */
export function cpuSeconds(roots: Record<string, number | number[]>): Record<string, number> {
  const pids = canMeasureCpu() ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  const stats = new Map(pids.map((pid) => [Number(pid), read(pid)]));
  const children = Map.groupBy(stats.keys(), (pid) => stats.get(pid)?.parent);
  const within = (pid: number): number =>
    (stats.get(pid)?.seconds ?? 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + within(child), 0);
  return Object.fromEntries(
    Object.entries(roots).flatMap(([name, ofName]) => {
      const trees = [ofName].flat().map((pid) => within(pid) + (stats.get(pid)?.endedSeconds ?? Number.NaN));
      const seconds = trees.reduce((sum, tree) => sum + tree, 0);
      return Number.isNaN(seconds) ? [] : [[name, seconds]];
    }),
  );
}

/** The seconds that each tree used between two readings; only of trees that are in both. */
export const cpuUsed = (before: Record<string, number>, after: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after)
      .filter(([name]) => name in before)
      .map(([name, seconds]) => [name, Math.max(0, seconds - (before[name] ?? 0))]),
  );

/** Seconds so far of this process's children that have ended, and of theirs; null where it cannot be read. */
export const endedChildrenSeconds = (): number | null => read('self')?.endedSeconds ?? null;

/** proc_pid_stat(5): the name, in brackets, may hold anything; parent is field 4, times are fields 14 to 17. */
function read(pid: string) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const seconds = (field: number) => Number(fields[field - 3]) / TICKS_PER_SECOND;
    return { parent: Number(fields[1]), seconds: seconds(14) + seconds(15), endedSeconds: seconds(16) + seconds(17) };
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
}
