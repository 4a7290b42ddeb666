// Callers who meet at the same sale go together: while one transaction is under way, whoever comes is gathered for the next.
// Waiting for the row's lock one by one they would wait longer, and hold a connection each.
const MOST_TOGETHER = 500;

interface Waiting<Item, Result> {
  items: Item[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** `work` does the items of one key at once; each caller gets the result of the group that it went with. */
export function together<Item, Result>(work: (key: string, items: Item[]) => Promise<Result>) {
  const lines = new Map<string, Waiting<Item, Result>[]>();

  async function go(key: string, group: Waiting<Item, Result>[]): Promise<void> {
    try {
      const result = await work(
        key,
        group.flatMap(({ items }) => items),
      );
      for (const { resolve } of group) resolve(result);
    } catch (error) {
      // One caller's trouble is not the others': each tries alone before it is told.
      if (group.length > 1) for (const one of group) await go(key, [one]);
      else for (const { reject } of group) reject(error);
    }
  }

  async function workOff(key: string, line: Waiting<Item, Result>[]): Promise<void> {
    while (line.length > 0) await go(key, takeGroup(line));
    lines.delete(key);
  }

  return (key: string, items: Item[]): Promise<Result> =>
    new Promise((resolve, reject) => {
      const caller = { items, resolve, reject };
      const line = lines.get(key);
      if (line) return void line.push(caller);
      const first = [caller];
      lines.set(key, first);
      void workOff(key, first);
    });
}

function takeGroup<Item, Result>(line: Waiting<Item, Result>[]): Waiting<Item, Result>[] {
  let size = 0;
  const end = line.findIndex(({ items }, index) => {
    size += items.length;
    return index > 0 && size > MOST_TOGETHER;
  });
  return line.splice(0, end === -1 ? line.length : end);
}
