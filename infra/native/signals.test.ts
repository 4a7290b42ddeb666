// A Ctrl-C reaches a command up to three times, through npm and run.mjs, and an impatient user sends more.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const SOURCE = `import { endRequested, requested } from ${JSON.stringify(join(import.meta.dirname, 'signals.ts'))};
  const end = endRequested();
  process.stdin.resume();
  console.log('ready');
  await requested(end);
  console.log('stopping for ' + end.reason);
  process.stdin.on('end', () => process.exit(0));`;

test('the end is requested once, however many signals come while it stops', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SOURCE]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  await once(child.stdout, 'data');
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal);
  child.stdin.end();
  const [code, signal] = await once(child, 'exit');
  assert.deepEqual([code, signal], [0, null]);
  assert.equal(said, 'ready\nstopping for SIGINT\n');
});
