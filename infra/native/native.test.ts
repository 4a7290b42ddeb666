// The launcher itself: processes end, ports stay ours, a dead service comes back and a stillborn one is told of.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { claim, release, removeDir, stopLeftovers, sweepLeftovers, TEMPORARY_RUN } from './leftovers.ts';
import { ownerOf, readPids, startTime } from './pids.ts';
import { freePort, portRange } from './ports.ts';
import { startProcess, untilReady } from './processes.ts';
import { type ServiceEvent, supervise } from './supervisor.ts';

const READY = `
  import http from 'node:http';
  const server = http.createServer((request, answer) => answer.end()).listen(process.env.OPS_PORT, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
`;

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

test('a service that is killed is started again, with its new pid in the events', async (t) => {
  const { service, events } = await supervised(t, READY);
  await service.ready();
  const first = service.pid();
  assert.ok(first);
  process.kill(first, 'SIGKILL');
  await until(() => events.filter(({ event }) => event === 'ready').length === 2);
  assert.notEqual(service.pid(), first);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['started', 'ready', 'exited', 'restarting', 'started', 'ready'],
  );
  assert.equal(events[2]?.signal, 'SIGKILL');
  await service.stop();
  assert.equal(events.at(-1)?.event, 'stopped');
  assert.equal(service.pid(), undefined);
});

test('kill() ends a service as an accident would, and waits for its next life', async (t) => {
  const { service, events } = await supervised(t, READY);
  await service.ready();
  const first = service.pid();
  await service.kill();
  assert.notEqual(service.pid(), first);
  assert.equal(events.find(({ event }) => event === 'exited')?.signal, 'SIGKILL');
  assert.equal(events.filter(({ event }) => event === 'ready').length, 2);
  const waiting = assert.rejects(service.kill(), /stopped before it was ready/);
  await service.stop();
  await waiting;
});

test('the pauses between restarts double', async (t) => {
  const { service, events } = await supervised(t, `setTimeout(() => process.exit(0), 10)`);
  const pauses = () => events.filter(({ event }) => event === 'restarting').map(({ inMs }) => inMs);
  await until(() => pauses().length >= 4);
  assert.deepEqual(pauses().slice(0, 4), [100, 200, 400, 800]);
  await service.stop();
  const { length } = events;
  await sleep(1000);
  assert.equal(events.length, length, 'nothing is started after stop()');
});

test('a service that ends at its first start is not started again, and its log is in the error', async (t) => {
  const { service, events } = await supervised(t, `console.error('DATABASE_URL is missing'); process.exit(1)`);
  await assert.rejects(service.ready(), /fake ended with code 1 at its first start[\s\S]*DATABASE_URL is missing/);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['started', 'exited', 'failed'],
  );
  await service.stop();
});

test('a service gets the environment it is given and nothing else of ours', async (t) => {
  process.env.FLASHSALE_TEST_LEAK = 'leaked';
  const { service, dir } = await supervised(t, `${READY} console.log(JSON.stringify(Object.keys(process.env).sort()))`);
  await service.ready();
  const names = JSON.parse(fs.readFileSync(join(dir, 'logs/fake.log'), 'utf8'));
  assert.deepEqual(names, ['HOME', 'NODE_ENV', 'OPS_PORT', 'PATH']);
  await service.stop();
});

test('what a killed owner left is ended, its directory removed', async (t) => {
  const local = fs.mkdtempSync(join(tmpdir(), TEMPORARY_RUN));
  t.after(() => removeDir(local));
  const owner = await startOwner(join(local, 'run'));
  const left = readPids(join(local, 'run'))?.processes[0];
  assert.ok(left);
  await sweepLeftovers(() => {}, local);
  assert.equal(startTime(left.pid), left.started, 'the owner lives: nothing is touched');
  owner.kill('SIGKILL');
  await until(() => ownerOf(join(local, 'run')) === undefined);
  assert.equal(startTime(left.pid), left.started, 'a detached process outlives its owner');
  await sweepLeftovers(() => {}, local);
  assert.equal(startTime(left.pid), undefined);
  assert.ok(!fs.existsSync(join(local, 'run')));
});

test('a process that only has the pid of a recorded one is left alone', async (t) => {
  const dir = await runDir(t);
  const stranger = spawn('sleep', ['60']);
  t.after(() => stranger.kill());
  const pids = readPids(dir);
  assert.ok(pids && stranger.pid);
  pids.processes.push({ name: 'redis', pid: stranger.pid, stopSignal: 'SIGTERM', started: '1' });
  fs.writeFileSync(join(dir, 'pids.json'), JSON.stringify(pids));
  assert.deepEqual(await stopLeftovers(dir), []);
  assert.ok(startTime(stranger.pid));
});

test('a directory in use by a living process cannot be claimed', async (t) => {
  const local = fs.mkdtempSync(join(tmpdir(), TEMPORARY_RUN));
  t.after(() => removeDir(local));
  const owner = await startOwner(join(local, 'run'));
  await assert.rejects(claim(join(local, 'run')), /in use by process/);
  owner.kill('SIGKILL');
  await until(() => ownerOf(join(local, 'run')) === undefined);
  await claim(join(local, 'run'));
  release(join(local, 'run'));
});

test('a directory that is not ours is not removed, in the temporary directory neither', (t) => {
  const theirs = fs.mkdtempSync(join(tmpdir(), 'somebody-elses-'));
  t.after(() => fs.rmSync(theirs, { recursive: true }));
  assert.throws(() => removeDir(theirs), /not removed/);
  assert.ok(fs.existsSync(theirs));
});

async function runDir(t: TestContext): Promise<string> {
  const dir = fs.mkdtempSync(join(tmpdir(), TEMPORARY_RUN));
  await claim(dir);
  t.after(async () => {
    await stopLeftovers(dir);
    removeDir(dir);
  });
  return dir;
}

async function supervised(t: TestContext, source: string) {
  const dir = await runDir(t);
  const [file, opsPort, events] = [join(dir, 'fake.mjs'), await freePort(), [] as ServiceEvent[]];
  fs.writeFileSync(file, source);
  const onEvent = (event: ServiceEvent) => void events.push(event);
  const service = supervise({ dir, name: 'fake', file, env: { OPS_PORT: String(opsPort) }, opsPort, onEvent });
  t.after(service.stop);
  return { service, events, dir };
}

function startScript(dir: string, name: string, source: string) {
  const file = join(dir, `${name}.mjs`);
  fs.writeFileSync(file, source);
  return startProcess({ dir, name, command: process.execPath, args: [file], env: { PATH: process.env.PATH } });
}

/** Another process that claims `dir` and starts one process in it. */
async function startOwner(dir: string) {
  const at = (file: string) => JSON.stringify(join(import.meta.dirname, file));
  const source = `import { claim } from ${at('leftovers.ts')};
    import { startProcess } from ${at('processes.ts')};
    await claim(${JSON.stringify(dir)});
    startProcess({ dir: ${JSON.stringify(dir)}, name: 'left', command: 'sleep', args: ['60'], env: process.env });
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(() => readPids(dir)?.processes.length === 1);
  return owner;
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !condition(); await sleep(20)) {
    assert.ok(Date.now() < deadline, 'it did not happen within 20 s');
  }
}
