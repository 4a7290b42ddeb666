// How a command in the foreground ends, and a wait with it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../until.ts';

test('a wait ends with the reason of its signal, also in the middle of a pause', async () => {
  const end = new AbortController();
  const waiting = until('it never is', () => false, { everyMs: 60_000, signal: end.signal });
  end.abort(new Error('a server has ended'));
  await assert.rejects(waiting, /a server has ended/);
});

const SIGNALS = JSON.stringify(join(import.meta.dirname, 'signals.ts'));
const WAITS_FOR_SIGNALS = `import { endRequested, requested } from ${SIGNALS};
  const end = endRequested();
  process.stdin.resume();
  console.log('ready');
  await requested(end);
  console.log('stopping for ' + end.reason);
  process.stdin.on('end', () => process.exit(0));`;

test('the end is requested once, however many signals come while it stops', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WAITS_FOR_SIGNALS]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  await once(child.stdout, 'data');
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal);
  child.stdin.end();
  const [code, signal] = await once(child, 'exit');
  assert.deepEqual([code, signal], [0, null]);
  assert.equal(output, 'ready\nstopping for SIGINT\n');
});
