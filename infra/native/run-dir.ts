// A directory under .local for one test, removed after it with everything that runs there.
import fs from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { claim, LOCAL, removeDir, stopLeftovers } from './leftovers.ts';

export function makeFolder(): string {
  fs.mkdirSync(LOCAL, { recursive: true });
  return fs.mkdtempSync(join(LOCAL, 'native-test-'));
}

export async function runDir(t: TestContext): Promise<string> {
  const dir = makeFolder();
  await claim(dir);
  t.after(async () => {
    await stopLeftovers(dir);
    removeDir(dir);
  });
  return dir;
}
