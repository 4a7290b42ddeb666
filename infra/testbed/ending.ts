// When that ends which a test has started: after the test that owns it, or after all tests of the file; the last first.
import { after } from 'node:test';

/** A test, or the hooks of a file. */
export interface Owner {
  after(end: () => unknown): void;
}

export function openEnding(owner: Owner = { after }) {
  const stack = new AsyncDisposableStack();
  owner.after(() => stack.disposeAsync());
  return {
    defer: (end: () => unknown) => stack.defer(async () => void (await end())),
    closed: <T extends { close(): unknown }>(it: T) => stack.adopt(it, async () => void (await it.close())),
    /** Stops at the end, or earlier: with a test of its own, or called by it; and only once. */
    stopped<T extends { stop(): Promise<void> }>(it: T, owner?: Owner): T {
      let stopping: Promise<void> | undefined;
      const stop = () => {
        stopping ??= it.stop();
        return stopping;
      };
      owner?.after(stop);
      stack.defer(stop);
      return { ...it, stop };
    },
  };
}
