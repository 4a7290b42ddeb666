// setup.mjs on machines that lack something: what it prints, what it chooses, and how the commands it runs end.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { until } from '../until.ts';
import { findServers } from './find-servers.ts';

const SETUP = join(import.meta.dirname, 'setup.mjs');
const redis = (version: string) => ({ 'redis-server': `echo "Redis server v=${version} sha=00000000:0 bits=64"` });

/** A PATH with these programs, Node, and nothing else. */
function pathOf(t: TestContext, programs: Record<string, string>): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'flashsale path '));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  fs.symlinkSync(process.execPath, join(dir, 'node'));
  for (const [name, script] of Object.entries(programs))
    fs.writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return dir;
}

function setup(args: string[], PATH = process.env.PATH) {
  return execa(process.execPath, [SETUP, ...args], { env: { PATH }, extendEnv: false, reject: false, all: true });
}

test('a server that is too old is named at once, with what to do', async (t) => {
  const path = pathOf(t, redis('6.2.7'));
  const { exitCode, all } = await setup(['--servers'], path);
  assert.equal(exitCode, 1);
  assert.ok(all.startsWith(`redis-server 6.2.7 in ${path} is too old: 7 or newer is needed\n`), all);
  assert.match(all, /^Install what is needed, or start Docker, and try again:\n {2}\S/m);
});

test('Docker is used where a server is too old and an engine answers', async (t) => {
  const path = pathOf(t, { ...redis('6.2.7'), docker: 'test "$1" = version' });
  const { exitCode, all } = await setup(['--servers'], path);
  assert.match(all, /redis-server 6\.2\.7 .*\nusing Docker containers for Postgres, Redis and RabbitMQ$/);
  assert.equal(exitCode, 0);
});

test('a PostgreSQL and a RabbitMQ that are too old are named too', (t) => {
  const bin = pathOf(t, { postgres: 'echo "postgres (PostgreSQL) 13.9"', initdb: '', 'rabbitmq-server': '', epmd: '' });
  // Its plugins lie beside the folder of its programs.
  const sbin = join(bin, 'rabbitmq_server-3.9.29/sbin');
  fs.mkdirSync(join(sbin, '../plugins/rabbit-3.9.29'), { recursive: true });
  fs.mkdirSync(sbin);
  fs.renameSync(join(bin, 'rabbitmq-server'), join(sbin, 'rabbitmq-server'));
  const { tooOld } = findServers({ postgres: [bin], rabbitmq: [sbin], erlang: [bin] }, '');
  assert.deepEqual(tooOld, [
    `postgres 13.9 in ${bin} is too old: 14 or newer is needed`,
    `rabbitmq-server 3.9.29 in ${sbin} is too old: 3.10 or newer is needed`,
  ]);
});

test('versions are compared as numbers', async (t) => {
  const { all } = await setup(['--servers'], pathOf(t, { ...redis('10.0.1'), docker: 'exit 0' }));
  assert.doesNotMatch(all, /too old/);
});

test('apt does not install what is there but too old', async (t) => {
  const path = pathOf(t, { ...redis('6.2.7'), 'apt-get': 'exit 0', sudo: 'exit 0' });
  const { exitCode, all } = await setup(['--servers'], path);
  assert.doesNotMatch(all, /to be installed/);
  assert.match(all, /^ {2}sudo apt-get install postgresql redis-server rabbitmq-server$/m);
  assert.equal(exitCode, 1);
});

test('commands run one after the other, until one fails', async () => {
  const { exitCode, all } = await setup(['echo first', 'false', 'echo never']);
  assert.deepEqual([exitCode, all], [1, 'first']);
});

test('a command ends when setup.mjs alone is signalled, and the next is not begun', async () => {
  const running = setup([`sh -c 'echo $$; exec sleep 60'`, 'echo never']);
  let output = '';
  running.all.on('data', (data) => {
    output += data;
  });
  await until('the command runs', () => /\d+\n/.test(output));
  running.kill('SIGTERM');
  assert.equal((await running).exitCode, 143);
  assert.throws(() => process.kill(Number(output), 0), /ESRCH/);
});
