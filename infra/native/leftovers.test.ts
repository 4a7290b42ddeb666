// The directory of a run: owned by one living process, and cleared when that was killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../until.ts';
import { claim, ownerOf, readPids, release, removeDir, startTime, stopLeftovers, sweepLeftovers } from './leftovers.ts';
import { makeFolder, runDir } from './run-dir.ts';

test('what a killed owner left is ended, its directory removed', async (t) => {
  const local = makeFolder();
  t.after(() => removeDir(local));
  const owner = await startOwner(join(local, 'run'));
  const left = readPids(join(local, 'run'))?.processes[0];
  assert.ok(left);
  await sweepLeftovers(() => {}, local);
  assert.equal(startTime(left.pid), left.started, 'the owner lives: nothing is touched');
  owner.kill('SIGKILL');
  await until('its owner is gone', () => ownerOf(join(local, 'run')) === undefined);
  assert.equal(startTime(left.pid), left.started, 'a detached process outlives its owner');
  await sweepLeftovers(() => {}, local);
  assert.equal(startTime(left.pid), undefined);
  assert.ok(!fs.existsSync(join(local, 'run')));
});

test('a process that only has the pid of a recorded one is left alone', async (t) => {
  const dir = await runDir(t);
  const stranger = spawn('sleep', ['60']);
  t.after(() => stranger.kill());
  const pids = readPids(dir);
  assert.ok(pids && stranger.pid);
  pids.processes.push({ name: 'redis', pid: stranger.pid, stopSignal: 'SIGTERM', last: false, started: '1' });
  fs.writeFileSync(join(dir, 'pids.json'), JSON.stringify(pids));
  assert.deepEqual(await stopLeftovers(dir), []);
  assert.ok(startTime(stranger.pid));
});

test('a directory in use by a living process cannot be claimed', async (t) => {
  const local = makeFolder();
  t.after(() => removeDir(local));
  const owner = await startOwner(join(local, 'run'));
  await assert.rejects(claim(join(local, 'run')), /in use by process/);
  owner.kill('SIGKILL');
  await until('its owner is gone', () => ownerOf(join(local, 'run')) === undefined);
  await claim(join(local, 'run'));
  release(join(local, 'run'));
});

test('a directory that is not ours is not removed, in the temporary directory neither', (t) => {
  const theirs = fs.mkdtempSync(join(tmpdir(), 'not-ours-'));
  t.after(() => fs.rmSync(theirs, { recursive: true }));
  assert.throws(() => removeDir(theirs), /not removed/);
  assert.ok(fs.existsSync(theirs));
});

/** Another process that claims `dir` and starts one process in it. */
async function startOwner(dir: string) {
  const at = (file: string) => JSON.stringify(join(import.meta.dirname, file));
  const source = `import { claim } from ${at('leftovers.ts')};
    import { startProcess } from ${at('processes.ts')};
    await claim(${JSON.stringify(dir)});
    startProcess({ dir: ${JSON.stringify(dir)}, name: 'left', command: 'sleep', args: ['60'], env: process.env });
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until('it has started one', () => readPids(dir)?.processes.length === 1);
  return owner;
}
