import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openNamespace } from '../../../infra/native/namespace.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('the process says when it is ready, and exits 0 when it is told to stop', async (t) => {
  const namespace = await openNamespace();
  t.after(() => namespace.close());
  const settings = {
    GRPC_PORT: '0',
    DATABASE_URL: namespace.databases.payment,
    BANK_URL: 'http://127.0.0.1:1',
    BANK_API_KEY: 'x'.repeat(32),
  };
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += text;
    if (said.includes('payment is ready')) break;
  }
  const { ops } = JSON.parse(said.trimEnd().split('\n').at(-1) ?? '');
  assert.equal((await fetch(`http://127.0.0.1:${ops}/readyz`)).status, 200);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
});

test('a payment without its settings names them, shows none, and exits 1', async (t) => {
  const child = spawn(process.execPath, [main], {
    env: { BANK_API_KEY: 'short' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const said = (await child.stderr.setEncoding('utf8').toArray()).join('');
  assert.match(
    said,
    /GRPC_PORT: is missing[\s\S]*DATABASE_URL: is missing[\s\S]*BANK_URL: is missing[\s\S]*BANK_API_KEY: needs/,
  );
  assert.doesNotMatch(said, /short/);
  assert.deepEqual(await exit, [1, null]);
});
