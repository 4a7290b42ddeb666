// The exercises do not rot: every change can still be made, and the tests that are to notice are still there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './leftovers.ts';
import { blocks } from './pages.ts';

const PAGE = 'docs/exercises.md';

test('every change of the exercises can be made to the code as it is', () => {
  const changes = blocks(PAGE, 'diff');
  assert.ok(changes.length >= 10);
  for (const change of changes) {
    const apply = () => execFileSync('git', ['apply', '--check', '-'], { cwd: ROOT, input: change, stdio: 'pipe' });
    assert.doesNotThrow(apply, change);
  }
});

test('every test that an exercise runs is there', () => {
  const commands = blocks(PAGE, 'sh').flatMap((block) => block.match(/^npm test -- .*$/gm) ?? []);
  assert.ok(commands.length >= 4);
  for (const command of commands) {
    const file = /\S+\.test\.ts/.exec(command)?.[0] ?? assert.fail(command);
    const pattern = new RegExp(/--test-name-pattern='([^']+)'/.exec(command)?.[1] ?? '');
    const names = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/test\(\s*(['"`])(.*?)\1/g)];
    assert.ok(
      names.some(([, , name]) => pattern.test(name as string)),
      command,
    );
  }
});
