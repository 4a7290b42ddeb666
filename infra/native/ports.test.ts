// Free ports: outside the ephemeral range, and given once among all stacks of this machine.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, portRange } from './ports.ts';
import { startProcess, untilReady } from './processes.ts';
import { runDir } from './run-dir.ts';

test('a port lies outside the ephemeral range and is never given twice', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  assert.equal(new Set(ports).size, 50);
  const { from, to } = portRange();
  for (const port of ports) assert.ok(port >= from && port <= to, `${port}`);
  if (process.platform === 'linux') {
    const [lowest] = fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/).map(Number);
    assert.ok(!lowest || to < lowest || lowest <= 4000);
  }
});

test('a port that another process was given is not given again before that process ends', async (t) => {
  const dir = await runDir(t);
  const taken = join(dir, 'taken');
  const source = `import { freePort } from ${JSON.stringify(join(import.meta.dirname, 'ports.ts'))};
    import fs from 'node:fs';
    fs.writeFileSync(${JSON.stringify(taken)}, String(await freePort()));
    setInterval(() => {}, 1000);`;
  const other = startScript(dir, 'other', source);
  await untilReady(other, async () => fs.readFileSync(taken, 'utf8'));
  const theirs = Number(fs.readFileSync(taken, 'utf8'));
  const { from, to } = portRange();
  const wishes = [(theirs - from + 0.5) / (to - from + 1)];
  assert.notEqual(await freePort(() => wishes.pop() ?? Math.random()), theirs);
  assert.equal(wishes.length, 0);
  await other.stop();
});

function startScript(dir: string, name: string, source: string) {
  const file = join(dir, `${name}.mjs`);
  fs.writeFileSync(file, source);
  return startProcess({ dir, name, command: process.execPath, args: [file], env: { PATH: process.env.PATH } });
}
