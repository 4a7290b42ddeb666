// Calls that meet at the same sale are coalesced: while one transaction is under way, later calls gather for the next.
// Waiting for the row's lock one by one they would wait longer, and hold a connection each.
const MOST_ITEMS = 500;

interface Waiting<Item, Result> {
  items: Item[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** `work` does the items of one key at once; each caller gets the result of the group that it went with. */
export function coalesce<Item, Result>(work: (key: string, items: Item[]) => Promise<Result>) {
  const queues = new Map<string, Waiting<Item, Result>[]>();

  async function commit(key: string, group: Waiting<Item, Result>[]): Promise<void> {
    try {
      const result = await work(
        key,
        group.flatMap(({ items }) => items),
      );
      for (const { resolve } of group) resolve(result);
    } catch (error) {
      // An error of one caller is not that of the others: each tries alone before it fails.
      if (group.length > 1) for (const one of group) await commit(key, [one]);
      else for (const { reject } of group) reject(error);
    }
  }

  async function workOff(key: string, queue: Waiting<Item, Result>[]): Promise<void> {
    while (queue.length > 0) await commit(key, takeGroup(queue));
    queues.delete(key);
  }

  return (key: string, items: Item[]): Promise<Result> =>
    new Promise((resolve, reject) => {
      const caller = { items, resolve, reject };
      const queue = queues.get(key);
      if (queue) return void queue.push(caller);
      const first = [caller];
      queues.set(key, first);
      void workOff(key, first);
    });
}

function takeGroup<Item, Result>(queue: Waiting<Item, Result>[]): Waiting<Item, Result>[] {
  let size = 0;
  const end = queue.findIndex(({ items }, index) => {
    size += items.length;
    return index > 0 && size > MOST_ITEMS;
  });
  return queue.splice(0, end === -1 ? queue.length : end);
}
