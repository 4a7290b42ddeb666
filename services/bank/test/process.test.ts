import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { API_KEY, callerOf, openBank, storeFile } from './bank.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

async function spawnBank(t: TestContext, file: string, knobs: Record<string, string> = {}) {
  const env = { ...process.env, HTTP_PORT: '0', BANK_API_KEY: API_KEY, STORE_FILE: file, ...knobs };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const { http } = JSON.parse(String(line));
  return { child, ...callerOf(`http://127.0.0.1:${http}`) };
}

async function exitOf(child: ChildProcess): Promise<[number | null, string | null]> {
  const [code, signal] = await once(child, 'exit');
  return [code, signal];
}

test('a bank that is killed forgets nothing it answered, and what waited in line never happened', async (t) => {
  const file = storeFile(t);
  const killed = await spawnBank(t, file);
  await Promise.all([killed.charge('captured'), killed.charge('refunded'), killed.reverse('never')]);
  await killed.reverse('refunded');
  await killed.turn({ chargesPerSecond: 0.001 });
  const waiting = [killed.charge('waiting-1'), killed.charge('waiting-2')].map((asked) => assert.rejects(asked));
  await killed.lineHas({ waiting: 1, inProgress: 1 });
  const exit = exitOf(killed.child);
  killed.child.kill('SIGKILL');
  await Promise.all([exit, ...waiting]);

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

test('told to stop, it takes nothing more, finishes the line, answers it and exits 0', async (t) => {
  const file = storeFile(t);
  const bank = await spawnBank(t, file, { CHARGES_PER_SECOND: '0.001' });
  const asked = Array.from({ length: 10 }, (_, i) => bank.charge(`order-${i}`));
  await bank.lineHas({ waiting: 9, inProgress: 1 });
  await bank.turn({ chargesPerSecond: 20 });
  const exit = exitOf(bank.child);
  bank.child.kill('SIGTERM');
  assert.deepEqual(new Set((await Promise.all(asked)).map((answer) => answer.status)), new Set([201]));
  assert.deepEqual(await exit, [0, null]);
  assert.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, 10);
});

test('a line too long for the stop is dropped, not charged later', async (t) => {
  const file = storeFile(t);
  const bank = await openBank(t, { STORE_FILE: file, CHARGES_PER_SECOND: 0.001, STOP_MS: 1 });
  const asked = bank.charge('order-1');
  const dropped = assert.rejects(asked);
  await bank.lineHas({ waiting: 0, inProgress: 1 });
  await bank.stop();
  await dropped;
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a bank without its settings names them and exits 1', async (t) => {
  const child = spawn(process.execPath, [main], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const [text] = await once(child.stderr, 'data');
  assert.match(String(text), /HTTP_PORT: is missing[\s\S]*BANK_API_KEY: is missing[\s\S]*STORE_FILE: is missing/);
});
