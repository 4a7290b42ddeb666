// Group commit: what arrives within a few milliseconds shares one call or one statement.
import type { SpanContext } from '@opentelemetry/api';
import { activeSpan, inBatch, tracing } from './trace.ts';

const MAX_GROUP = 500;
/** Groups at work; while none may start, the next one grows. */
const MAX_AT_WORK = 4;

interface Waiting<Item, Result> {
  item: Item;
  /** The span of its caller. */
  from: SpanContext | undefined;
  resolve(result: Result | PromiseLike<Result>): void;
  reject(error: unknown): void;
}

/**
 * `work` returns the result of each item of a group, or undefined for an item without one; a result may still be pending
 * when the group has ended. When `work` rejects, each item of the group is rejected: nothing is known of any.
 */
export function groupCommit<Item, Result>(
  gatherMs: number,
  work: (items: Item[]) => Promise<(item: Item) => Result | PromiseLike<Result>>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let gathering = false;
  let atWork = 0;

  async function commit(group: Waiting<Item, Result>[]) {
    atWork += 1;
    try {
      const items = group.map(({ item }) => item);
      const callers = group.map(({ from }) => from);
      const resultOf = await (tracing.on ? inBatch('group commit', callers, () => work(items)) : work(items));
      for (const { item, resolve } of group) resolve(resultOf(item));
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      atWork -= 1;
      if (waiting.length > 0) start();
    }
  }

  function start() {
    if (gathering) return;
    gathering = true;
    setTimeout(() => {
      gathering = false;
      while (waiting.length > 0 && atWork < MAX_AT_WORK) void commit(waiting.splice(0, MAX_GROUP));
    }, gatherMs);
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, from: tracing.on ? activeSpan() : undefined, resolve, reject });
      if (atWork < MAX_AT_WORK) start();
    });
}
