// GATEWAYS and WORKERS: what they may be, and that a wrong one is refused before anything is started.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './leftovers.ts';
import { replicasFrom } from './replicas.ts';

test('one of each, unless the environment wants more', () => {
  assert.deepEqual(replicasFrom({}, 'linux'), { gateway: 1, orders: 1 });
  assert.deepEqual(replicasFrom({ GATEWAYS: '', WORKERS: '4' }, 'linux'), { gateway: 1, orders: 4 });
  assert.deepEqual(replicasFrom({ GATEWAYS: '2', WORKERS: '2' }, 'freebsd'), { gateway: 2, orders: 2 });
});

test('any other value is refused by its name', () => {
  for (const value of ['0', 'x', '1.5', '99', '-1', '2,2', 'Infinity'])
    for (const name of ['GATEWAYS', 'WORKERS'])
      assert.throws(() => replicasFrom({ [name]: value }, 'linux'), {
        message: `${name} must be a number from 1 to 4, not ${value}`,
      });
});

test('several gateways are refused where processes cannot share a port, several workers are not', () => {
  assert.throws(() => replicasFrom({ GATEWAYS: '2' }, 'darwin'), /GATEWAYS must be 1 on darwin/);
  assert.deepEqual(replicasFrom({ WORKERS: '2' }, 'darwin'), { gateway: 1, orders: 2 });
});

for (const [command, ...args] of [
  ['infra/native/up.ts'],
  ['loadtest/demo/main.ts', '--once', '--plain'],
  ['loadtest/report/main.ts', 'smoke'],
] as [string, ...string[]][])
  test(`${command} ends with 1 and says why, and starts nothing`, () => {
    const env = { ...process.env, WORKERS: '99', GATEWAY_URL: '' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, command), ...args], { env });
    assert.equal(status, 1);
    assert.equal(`${stderr}`, 'WORKERS must be a number from 1 to 4, not 99\n');
    assert.equal(`${stdout}`, '');
  });
