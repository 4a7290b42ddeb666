// The bank's own books: a file that only grows, one line for each change of a key, written before the response.
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Entry, Statement } from '../domain/statement.ts';

export function openStatement(file: string): Statement & { close(): void } {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'a');
  const entries = replay(file);
  return {
    find: (key: string) => entries.get(key),
    // Synchronous: a write that the kernel has outlives this process, however it ends.
    write(entry: Entry) {
      appendFileSync(descriptor, `${JSON.stringify(entry)}\n`);
      entries.set(entry.key, entry);
    },
    charges(sinceMs: number) {
      return [...entries.values()]
        .flatMap(({ key, status, atMs, charge }) => (charge && atMs >= sinceMs ? [{ key, status, ...charge }] : []))
        .sort((one, other) => one.startedAtMs - other.startedAtMs);
    },
    close: () => closeSync(descriptor),
  };
}

/** A process killed while writing leaves a torn last line, whose call had no response: it is cut off. */
function replay(file: string): Map<string, Entry> {
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole < bytes.length) truncateSync(file, whole);
  const entries = new Map<string, Entry>();
  for (const line of bytes.toString('utf8', 0, whole).split('\n').slice(0, -1)) {
    const entry: Entry = JSON.parse(line);
    entries.set(entry.key, entry);
  }
  return entries;
}
