// What the README tells a newcomer to type is typed here: every command of its shell blocks, in their order.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UP } from '../address-book/address-book.ts';
import { until } from '../until.ts';
import { ownerOf, ROOT } from './leftovers.ts';

/** Stages of `npm test` of their own: the demo runs after these tests, as `npm run demo -- --once`. */
const RUN_ELSEWHERE = ['npm run demo', 'npm run demo -- --once', 'npm test', 'npm run mutants'];
/** Where an engine answers, in infra/node/docker.test.ts; with k6, as stages of `npm run verify`; the bench is not for every day. */
const ELSEWHERE = /^(docker compose |npm run (loadtest(?! -- list)|verify|bench)\b)/;
const isRunElsewhere = (command: string) => RUN_ELSEWHERE.includes(command) || ELSEWHERE.test(command);

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)]
  .flatMap(([, block]) => (block ?? '').split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '');

function start(command: string): { child: ChildProcess; output: () => string; exit: Promise<number> } {
  const child = spawn('sh', ['-c', command], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      text += data;
    });
  return {
    child,
    output: () => text,
    exit: new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1))),
  };
}

test('the README names commands, and npm knows each of them', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = [...readme.matchAll(/npm (?:run (?:--silent )?)?([a-z:]+)/g)].map(([, name]) => name as string);
  assert.ok(commands.length >= 5);
  assert.deepEqual(
    named.filter((name) => !(name in scripts) && name !== 'ci' && name !== 'install'),
    [],
  );
});

test('every command of the README works, in the order it stands there', async (t) => {
  if (ownerOf(UP)) return t.skip('npm run up is running in this checkout');
  let up: ReturnType<typeof start> | undefined;
  try {
    for (const command of commands.filter((each) => !isRunElsewhere(each))) {
      const run = start(command.replace(/ &$/, ''));
      if (command === 'npm run up &') {
        up = run;
        await until('the system is up', () => run.output().includes('stops it'), 90_000);
        continue;
      }
      assert.equal(await run.exit, 0, `${command}\n${run.output()}`);
      if (command.includes('token')) assert.match(run.output(), /^[\w-]+\.[\w-]+\.[\w-]+$/m);
    }
    assert.equal(await up?.exit, 0, up?.output());
  } finally {
    // As Ctrl-C does: to the shell, npm and everything below.
    if (up?.child.exitCode === null && up.child.pid) process.kill(-up.child.pid, 'SIGINT');
    await up?.exit;
  }
});
