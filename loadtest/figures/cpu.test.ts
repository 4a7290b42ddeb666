// CPU seconds as they are counted by whoever compares what processes cost.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { canMeasureCpu, cpuSeconds, cpuUsed } from './cpu.ts';

const skip = canMeasureCpu() ? false : 'no /proc here';
const BURN = `{ const used = () => process.cpuUsage().user + process.cpuUsage().system;
  const end = used() + 300_000; while (used() < end); }`;

test('what a process and its children burn is counted, also of children that have ended', { skip }, async (t) => {
  const script = `require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(BURN)}]); ${BURN}
    console.log('burnt'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const before = cpuSeconds({ burner: child.pid ?? 0 });
  await once(child.stdout, 'data');
  const { burner = 0 } = cpuUsed(before, cpuSeconds({ burner: child.pid ?? 0 }));
  assert.ok(burner >= 0.55 && burner < 2, `${burner} s`);
});

test('a process that has ended has no figure, rather than a wrong one', { skip }, async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const before = cpuSeconds({ brief: child.pid ?? 0 });
  await once(child, 'exit');
  assert.deepEqual(cpuUsed(before, cpuSeconds({ brief: child.pid ?? 0 })), {});
});
