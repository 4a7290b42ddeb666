import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnService } from '../../../infra/testbed/process.ts';
import { openService } from '../../../infra/testbed/service.ts';
import { BANK_API_KEY } from '../../../infra/testbed/services.ts';

test('the process says when it is ready, and exits 0 on SIGTERM', async (t) => {
  const { databaseUrl } = await openService('payment', {}, t);
  const settings = { GRPC_PORT: 0, DATABASE_URL: databaseUrl, BANK_URL: 'http://127.0.0.1:1', BANK_API_KEY };
  const { child, exit, logged, listening } = spawnService(t, 'payment', settings);
  assert.equal(await (await listening()).readyz(), 'ready\n');
  assert.equal(logged.at(-1)?.msg, 'payment is ready');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
});

test('a payment without its settings names them, shows none, and exits 1', async (t) => {
  const { exit, stderr } = spawnService(t, 'payment', { BANK_API_KEY: 'short' });
  const message = await stderr;
  assert.match(
    message,
    /GRPC_PORT: is missing[\s\S]*DATABASE_URL: is missing[\s\S]*BANK_URL: is missing[\s\S]*BANK_API_KEY: needs/,
  );
  assert.doesNotMatch(message, /short/);
  assert.deepEqual(await exit, [1, null]);
});
