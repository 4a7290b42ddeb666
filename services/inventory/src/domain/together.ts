// Callers who meet at the same row go together: while one transaction is under way, the items of all who come are gathered
// for the next. Waiting for the row's lock one by one they would wait longer, and hold a connection each.
const MOST_TOGETHER = 500;

interface Waiting<Item, Outcome> {
  items: Item[];
  resolve(outcomes: Outcome[]): void;
  reject(error: unknown): void;
}

/** `work` answers one outcome for each item, in the same order; when it fails, everybody who went with it is told. */
export function together<Item, Outcome>(work: (items: Item[]) => Promise<Outcome[]>) {
  let waiting: Waiting<Item, Outcome>[] = [];
  let underWay = false;

  function takeGroup(): Waiting<Item, Outcome>[] {
    let size = 0;
    const end = waiting.findIndex(({ items }, index) => {
      size += items.length;
      return index > 0 && size > MOST_TOGETHER;
    });
    const group = end === -1 ? waiting : waiting.slice(0, end);
    waiting = waiting.slice(group.length);
    return group;
  }

  async function run(): Promise<void> {
    underWay = true;
    while (waiting.length > 0) {
      const group = takeGroup();
      try {
        const outcomes = await work(group.flatMap(({ items }) => items));
        for (const { items, resolve } of group) resolve(outcomes.splice(0, items.length));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    underWay = false;
  }

  return (items: Item[]): Promise<Outcome[]> =>
    new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject });
      if (!underWay) void run();
    });
}
