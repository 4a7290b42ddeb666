// The launcher itself: processes end, ports stay ours, a dead service comes back, one that cannot start is reported,
// and a namespace belongs to one test alone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type AddressBook, describeAddresses, SERVICES, type ServiceName } from '../address-book/address-book.ts';
import { until } from '../until.ts';
import {
  claim,
  LOCAL,
  ownerOf,
  readPids,
  release,
  removeDir,
  startTime,
  stopLeftovers,
  sweepLeftovers,
} from './leftovers.ts';
import { type Namespace, openNamespace } from './namespace.ts';
import { freePort, portRange } from './ports.ts';
import { startProcess, untilReady } from './processes.ts';
import { describeEvent, type ServiceEvent, supervise } from './supervisor.ts';

const READY = `
  import http from 'node:http';
  const server = http.createServer((request, answer) => answer.end()).listen(process.env.OPS_PORT, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
`;

test('a wait ends with the reason of its signal, also in the middle of a pause', async () => {
  const end = new AbortController();
  const waiting = until('it never is', () => false, { everyMs: 60_000, signal: end.signal });
  end.abort(new Error('a server has ended'));
  await assert.rejects(waiting, /a server has ended/);
});

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
  await until('it is ready again', () => events.filter(({ event }) => event === 'ready').length === 2);
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
  await until('four pauses', () => pauses().length >= 4);
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
  const local = makeFolder();
  t.after(() => removeDir(local));
  const owner = await startOwner(join(local, 'run'));
  const left = readPids(join(local, 'run'))?.processes[0];
  assert.ok(left);
  await sweepLeftovers(() => {}, local);
  assert.equal(startTime(left.pid), left.started, 'the owner lives: nothing is touched');
  owner.kill('SIGKILL');
  await until('its owner is gone', () => ownerOf(join(local, 'run')) === undefined);
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
  pids.processes.push({ name: 'redis', pid: stranger.pid, stopSignal: 'SIGTERM', last: false, started: '1' });
  fs.writeFileSync(join(dir, 'pids.json'), JSON.stringify(pids));
  assert.deepEqual(await stopLeftovers(dir), []);
  assert.ok(startTime(stranger.pid));
});

test('a directory in use by a living process cannot be claimed', async (t) => {
  const local = makeFolder();
  t.after(() => removeDir(local));
  const owner = await startOwner(join(local, 'run'));
  await assert.rejects(claim(join(local, 'run')), /in use by process/);
  owner.kill('SIGKILL');
  await until('its owner is gone', () => ownerOf(join(local, 'run')) === undefined);
  await claim(join(local, 'run'));
  release(join(local, 'run'));
});

test('a directory that is not ours is not removed, in the temporary directory neither', (t) => {
  const theirs = fs.mkdtempSync(join(tmpdir(), 'somebody-elses-'));
  t.after(() => fs.rmSync(theirs, { recursive: true }));
  assert.throws(() => removeDir(theirs), /not removed/);
  assert.ok(fs.existsSync(theirs));
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
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  await once(child.stdout, 'data');
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal);
  child.stdin.end();
  const [code, signal] = await once(child, 'exit');
  assert.deepEqual([code, signal], [0, null]);
  assert.equal(said, 'ready\nstopping for SIGINT\n');
});

test('what happens to a process is told once, in words; its mere start is not', () => {
  const about = { service: 'orders', pid: 7 };
  assert.equal(describeEvent({ ...about, event: 'started' }), undefined);
  assert.equal(describeEvent({ ...about, event: 'ready', inMs: 1_540 }), 'orders is ready (1.5 s, pid 7)');
  assert.equal(describeEvent({ ...about, event: 'exited', code: null, signal: 'SIGKILL' }), 'orders ended by SIGKILL');
  assert.equal(describeEvent({ ...about, event: 'exited', code: 1, signal: null }), 'orders ended with code 1');
  assert.equal(describeEvent({ ...about, event: 'restarting', inMs: 100 }), 'orders is started again in 100 ms');
});

test('every address is told within 80 columns, and no password is', () => {
  const database = 'postgres://orders:secret@127.0.0.1:32767/orders';
  const names = [...SERVICES, 'postgres', 'redis', 'rabbitmq'] as const;
  const addressed = <T>(at: T) => Object.fromEntries(names.map((name) => [name, at])) as Record<ServiceName, T>;
  const stack: AddressBook = {
    dir: `${LOCAL}/demo-4194304`,
    gatewayUrl: 'http://127.0.0.1:32767',
    bankUrl: 'http://127.0.0.1:32767',
    bankApiKey: 'secret',
    tokenSecret: 'secret',
    redisUrl: 'redis://:secret@127.0.0.1:32767',
    amqpUrl: 'amqp://flashsale:secret@127.0.0.1:32767',
    rabbitManagementUrl: 'http://flashsale:secret@127.0.0.1:32767',
    databases: { orders: database, inventory: database, payment: database },
    addresses: { orders: '127.0.0.1:32767', inventory: '127.0.0.1:32767', payment: '127.0.0.1:32767' },
    ops: addressed('http://127.0.0.1:32767'),
    pids: addressed(4194304),
    ownerPid: 1,
  };
  const lines = describeAddresses(stack);
  assert.equal(lines.filter((line) => line.includes('127.0.0.1:32767')).length, 8);
  for (const line of lines) assert.ok(line.length <= 80 && !line.includes('secret'), line);
});

/** Two namespaces, closed after the test. */
async function twoNamespaces(t: TestContext): Promise<[Namespace, Namespace]> {
  const both = await Promise.all([openNamespace(), openNamespace()]);
  t.after(() => Promise.all(both.map((one) => one.close())));
  return both;
}

test('a service may use its own database and connect to no other', async (t) => {
  const [mine] = await twoNamespaces(t);
  const client = new pg.Client(mine.databases.orders);
  await client.connect();
  await client.query('CREATE TABLE orders (id int)');
  await client.end();
  const intruder = new URL(mine.databases.orders);
  intruder.pathname = new URL(mine.databases.payment).pathname;
  await assert.rejects(new pg.Client(intruder.href).connect(), /permission denied/);
});

test('what one namespace writes to Redis another does not see', async (t) => {
  const [mine, theirs] = await twoNamespaces(t);
  const [one, other] = [new Redis(mine.redisUrl), new Redis(theirs.redisUrl)];
  await one.set('gate', 'open');
  assert.equal(await other.get('gate'), null);
  one.disconnect();
  other.disconnect();
});

test('a broken broker breaks the connections of its own namespace only', async (t) => {
  const [mine, theirs] = await twoNamespaces(t);
  const [own, foreign] = await Promise.all([amqp.connect(mine.amqpUrl), amqp.connect(theirs.amqpUrl)]);
  own.on('error', () => {});
  const closed = once(own, 'close', { signal: AbortSignal.timeout(5000) });
  await mine.closeRabbitConnections();
  await closed;
  const channel = await foreign.createChannel();
  await foreign.close();
  assert.ok(channel);
});

test('connections made the moment before are closed as well', async (t) => {
  const [mine] = await twoNamespaces(t);
  for (let round = 0; round < 5; round++) {
    const connections = await Promise.all(Array.from({ length: 4 }, () => amqp.connect(mine.amqpUrl)));
    const closed = connections.map((connection) => {
      connection.on('error', () => {});
      return once(connection, 'close', { signal: AbortSignal.timeout(5000) });
    });
    await mine.closeRabbitConnections();
    await Promise.all(closed);
  }
});

function makeFolder(): string {
  fs.mkdirSync(LOCAL, { recursive: true });
  return fs.mkdtempSync(join(LOCAL, 'native-test-'));
}

async function runDir(t: TestContext): Promise<string> {
  const dir = makeFolder();
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
  await until('it has started one', () => readPids(dir)?.processes.length === 1);
  return owner;
}
