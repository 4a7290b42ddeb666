// docs/examples/gift-wrap.diff, a boolean more on an order: few edits, and with them the whole repository type checks.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT } from '../../../infra/native/leftovers.ts';

const DIFF = join(ROOT, 'docs/examples/gift-wrap.diff');
const [MOST_EDITS, MOST_FILES] = [10, 6];

test('a field of an order takes at most ten edits in six files, none of them generated', () => {
  const diff = readFileSync(DIFF, 'utf8');
  const files = [...diff.matchAll(/^\+\+\+ b\/(.*)$/gm)].map(([, file]) => file);
  assert.ok(files.length > 0 && files.length <= MOST_FILES, `${files}`);
  assert.ok((diff.match(/^@@ /gm) ?? []).length <= MOST_EDITS);
  assert.deepEqual(
    files.filter((file) => file?.includes('/gen/')),
    [],
  );
});

test('with these edits and what is generated from them, everything type checks', () => {
  // Outside the repository, whose paths git would take for the copy's.
  const copy = mkdtempSync(join(tmpdir(), 'flashsale-example-'));
  after(() => rmSync(copy, { recursive: true }));
  for (const name of ['services', 'infra', 'loadtest', 'package.json', 'tsconfig.json', 'node_modules/@flashsale'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  // The packages of the copy are its own, all others those that are installed.
  for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => each !== '@flashsale'))
    symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name));
  const bin = join(ROOT, 'node_modules/.bin');
  const run = (file: string, args: string[], cwd = copy) =>
    execFileSync(file, args, { cwd, env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }, stdio: 'inherit' });
  run('git', ['apply', DIFF]);
  run('buf', ['generate'], join(copy, 'services/contracts'));
  run('tsc', ['-p', copy]);
});
