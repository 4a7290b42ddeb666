// The command, from outside: what it prints and how it ends.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openWorld } from './world.ts';

const world = await openWorld();
const folder = mkdtempSync(join(tmpdir(), 'audit-'));
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

function npmRunAudit(args: string[], env: NodeJS.ProcessEnv = {}) {
  const command = [join(import.meta.dirname, 'main.ts'), ...args];
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { ...process.env, ...world.env, ...env } };
    execFile(process.execPath, command, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('it prints both sides of each line, says whether anything moves, and ends with 0', async () => {
  await world.sale();
  const { code, stdout } = await npmRunAudit(['--json', join(folder, 'audit.json')]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^✓ gate: supply = tickets \+ units of records +10 = 7 \+ 3$/m);
  assert.match(stdout, /^At rest \(nothing pending anywhere\): (\d+) of \1 checks hold\.$/m);
  const json = JSON.parse(readFileSync(join(folder, 'audit.json'), 'utf8'));
  assert.equal(json.ok, true);
  assert.deepEqual(json.checks[0], {
    name: 'gate: supply = tickets + units of records',
    left: 10,
    right: 10,
    ok: true,
  });
});

test('it lists orders in flight, and holds them against what is true at any instant', async () => {
  const orderId = await (await world.sale()).addOrder('three', 1, 'placed');
  const { code, stdout } = await npmRunAudit([]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`^  ${orderId}  placed, \\d+\\.\\d s old, at most \\d+\\.\\d s$`, 'm'));
  assert.match(stdout, /^In flight: /m);
});

test('a difference is marked, its orders are named, and it ends with 1', async () => {
  const { one } = await world.sale();
  await world.stores.payment.query(`UPDATE charges SET state = 'reversed' WHERE order_id = $1`, [one]);
  const { code, stdout } = await npmRunAudit([]);
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`^✗ orders: confirmed, so its charge is captured +2 = 1\n +differs: ${one}$`, 'm'));
});

test('a store that cannot be read is named, and it ends with 2', async () => {
  await world.sale();
  const nowhere = { REDIS_URL: 'redis://127.0.0.1:1' };
  const { code, stderr } = await npmRunAudit([], nowhere);
  assert.equal(code, 2);
  assert.match(stderr, /^Redis cannot be read: connect ECONNREFUSED 127\.0\.0\.1:1$/m);
});

test('an option that it does not know ends with 2 and the usage', async () => {
  const { code, stderr } = await npmRunAudit(['--at-least']);
  assert.equal(code, 2);
  assert.match(stderr, /usage: npm run audit/);
});
