// The commands of the README's shell blocks, run in their order.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { UP } from '../address-book/address-book.ts';
import { until } from '../until.ts';
import { ownerOf, ROOT } from './leftovers.ts';

/** Run where an engine answers (infra/node/docker.test.ts) or by `npm run verify`, or they take too long. */
const ELSEWHERE = /^(docker compose |npm (test|run (loadtest(?! -- list)|verify|bench|mutants))\b)/;

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)]
  .flatMap(([, block]) => (block ?? '').split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '');

/** As it stands in the README, but the demo ends by itself. */
const typed = commands
  .filter((command) => !ELSEWHERE.test(command))
  .map((command) => command.replace(/^npm run demo( -- --once)?$/, 'npm run demo -- --once --plain'));

/** Two of each where processes can share a port. */
const UP_WITH = process.platform === 'linux' ? { GATEWAYS: '2', WORKERS: '2' } : {};

function start(command: string) {
  const env = command.startsWith('npm run up') ? UP_WITH : {};
  const options = { shell: true, cwd: ROOT, env, detached: true, stdin: 'ignore', all: true, reject: false } as const;
  const running = execa(command, options);
  let output = '';
  running.all.on('data', (data) => {
    output += data;
  });
  return { running, output: () => output, exit: running.then(({ exitCode = 1 }) => exitCode) };
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
    for (const command of new Set(typed)) {
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
    if (up?.running.exitCode === null && up.running.pid) process.kill(-up.running.pid, 'SIGINT');
    await up?.exit;
  }
});
