// A supervised service: started again when it dies, reported when it cannot start, and the words for its events.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../until.ts';
import { freePort } from './ports.ts';
import { runDir } from './run-dir.ts';
import { describeEvent, type ServiceEvent, supervise } from './supervisor.ts';

const READY = `
  import http from 'node:http';
  const server = http.createServer((request, response) => response.end()).listen(process.env.OPS_PORT, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
`;

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

test('what happens to a process is logged once, in words; its mere start is not', () => {
  const about = { service: 'orders', pid: 7 };
  assert.equal(describeEvent({ ...about, event: 'started' }), undefined);
  assert.equal(describeEvent({ ...about, event: 'ready', inMs: 1_540 }), 'orders is ready (1.5 s, pid 7)');
  assert.equal(describeEvent({ ...about, event: 'exited', code: null, signal: 'SIGKILL' }), 'orders ended by SIGKILL');
  assert.equal(describeEvent({ ...about, event: 'exited', code: 1, signal: null }), 'orders ended with code 1');
  assert.equal(describeEvent({ ...about, event: 'restarting', inMs: 100 }), 'orders is started again in 100 ms');
});

async function supervised(t: TestContext, source: string) {
  const dir = await runDir(t);
  const [file, opsPort, events] = [join(dir, 'fake.mjs'), await freePort(), [] as ServiceEvent[]];
  fs.writeFileSync(file, source);
  const onEvent = (event: ServiceEvent) => void events.push(event);
  const service = supervise({ dir, name: 'fake', file, env: { OPS_PORT: String(opsPort) }, opsPort, onEvent });
  t.after(service.stop);
  return { service, events, dir };
}
