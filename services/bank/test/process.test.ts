import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { spawnService } from '../../../infra/testbed/process.ts';
import { BANK_API_KEY, type Env } from '../../../infra/testbed/services.ts';
import { callerOf, openBank, storeFile } from './bank.ts';

async function spawnBank(t: TestContext, file: string, knobs: Env = {}) {
  const { child, exit, listening } = spawnService(t, 'bank', {
    HTTP_PORT: 0,
    BANK_API_KEY,
    STORE_FILE: file,
    ...knobs,
  });
  return { child, exit, ...callerOf((await listening()).url) };
}

test('a bank that is killed forgets no response it gave, and a queued charge never happened', async (t) => {
  const file = storeFile(t);
  const killed = await spawnBank(t, file);
  await Promise.all([killed.charge('captured'), killed.charge('refunded'), killed.reverse('never')]);
  await killed.reverse('refunded');
  await killed.change({ chargesPerSecond: 0.001 });
  const waiting = [killed.charge('waiting-1'), killed.charge('waiting-2')].map((charge) => assert.rejects(charge));
  await killed.queueHas({ waiting: 1, inProgress: 1 });
  killed.child.kill('SIGKILL');
  await Promise.all([killed.exit, ...waiting]);

  const next = await openBank(t, { STORE_FILE: file });
  const statuses = (await next.statement()).charges.map(({ key, status }) => `${key} ${status}`);
  assert.deepEqual(statuses.sort(), ['captured captured', 'refunded reversed']);
  assert.equal((await next.charge('never')).status, 409);
  assert.equal((await next.charge('waiting-1')).status, 201);
});

test('a torn last line is dropped, and the next entry is whole', async (t) => {
  const file = storeFile(t);
  const torn = await openBank(t, { STORE_FILE: file });
  await torn.charge('whole');
  await torn.stop();
  appendFileSync(file, '{"key":"torn","status":"capt');
  const next = await openBank(t, { STORE_FILE: file });
  assert.equal((await next.charge('next')).status, 201);
  await next.stop();
  const keys = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    keys.map((line) => JSON.parse(line).key),
    ['whole', 'next'],
  );
});

test('a stopping bank takes nothing more, finishes its queue, responds to each call and exits 0', async (t) => {
  const file = storeFile(t);
  const bank = await spawnBank(t, file, { CHARGES_PER_SECOND: 0.001 });
  const requested = Array.from({ length: 10 }, (_, i) => bank.charge(`order-${i}`));
  await bank.queueHas({ waiting: 9, inProgress: 1 });
  await bank.change({ chargesPerSecond: 20 });
  bank.child.kill('SIGTERM');
  assert.deepEqual(new Set((await Promise.all(requested)).map((response) => response.status)), new Set([201]));
  assert.deepEqual(await bank.exit, [0, null]);
  assert.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, 10);
});

test('a queue too long for the stop is dropped, not charged later', async (t) => {
  const file = storeFile(t);
  const bank = await openBank(t, { STORE_FILE: file, CHARGES_PER_SECOND: 0.001, STOP_MS: 1 });
  const requested = bank.charge('order-1');
  const dropped = assert.rejects(requested);
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  await bank.stop();
  await dropped;
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a bank without its settings names them and exits 1', async (t) => {
  const { exit, stderr } = spawnService(t, 'bank', {});
  const missing = /HTTP_PORT: is missing[\s\S]*BANK_API_KEY: is missing[\s\S]*STORE_FILE: is missing/;
  assert.match(await stderr, missing);
  assert.deepEqual(await exit, [1, null]);
});
