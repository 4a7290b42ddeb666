// A stack with its stores and a load generator for the tests of one file, or of one of its suites.
import { join } from 'node:path';
import { after, before } from 'node:test';
import { openStores, type Stores } from '../../infra/audit/stores.ts';
import { createGenerator, type Generator } from '../../infra/load/generator.ts';
import { LOCAL } from '../../infra/native/leftovers.ts';
import { type Stack, startStack } from '../../infra/native/stack.ts';

export type OwnStack = { stack: Stack; stores: Stores; generator: Generator };

/** Filled before the first test, and ended after the last. */
export function ownStack(name: string, options: Partial<Parameters<typeof startStack>[0]> = {}): OwnStack {
  const own = {} as OwnStack;
  before(async () => {
    own.stack = await startStack({ dir: join(LOCAL, `${name}-${process.pid}`), ...options });
    own.stores = openStores(own.stack);
    own.generator = createGenerator();
  });
  after(async () => {
    await own.generator?.stop();
    await own.stores?.close();
    await own.stack?.stop();
  });
  return own;
}
