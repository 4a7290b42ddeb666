// A process from start to exit, each in a process of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { until } from '../../../infra/until.ts';

const runtime = (file: string) => JSON.stringify(new URL(`../src/${file}.ts`, import.meta.url).href);

/** Runs a `start` as a process; it has `say`, `sleep`, `readConfig`, `z`. */
function run(t: TestContext, start: string, env: Record<string, string> = {}) {
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { runProcess } from ${runtime('process')};
    import { readConfig, port, url } from ${runtime('config')};
    const say = (word) => console.log(word);
    const keepAlive = setInterval(() => undefined, 60_000);
    await runProcess(${start});`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...env, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let [said, complained] = ['', ''];
  child.stdout.on('data', (text) => {
    said += text;
  });
  child.stderr.on('data', (text) => {
    complained += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, said, complained }));
  return {
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    says: (word: string) => until(`it says ${word}`, () => said.split('\n').includes(word)),
  };
}

const SERVICE = `async () => {
  say('started');
  return { async stop() { say('stopping'); await sleep(50); say('stopped'); } };
}`;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops it, and its exit code is 0`, async (t) => {
    const { ended, kill, says } = run(t, SERVICE);
    await says('started');
    kill(signal);
    const { code, said, complained } = await ended;
    assert.deepEqual([code, said, complained], [0, 'started\nstopping\nstopped\n', '']);
  });
}

test('a second signal while it stops changes nothing', async (t) => {
  const { ended, kill, says } = run(t, SERVICE.replace('sleep(50)', 'sleep(300)'));
  await says('started');
  kill('SIGTERM');
  await says('stopping');
  kill('SIGTERM');
  kill('SIGINT');
  const { code, said } = await ended;
  assert.deepEqual([code, said], [0, 'started\nstopping\nstopped\n']);
});

test('a signal while it starts stops it as soon as it has started', async (t) => {
  const { ended, kill, says } = run(t, SERVICE.replace(`say('started');`, `say('starting'); await sleep(300);`));
  await says('starting');
  kill('SIGTERM');
  const { code, said } = await ended;
  assert.deepEqual([code, said], [0, 'starting\nstopping\nstopped\n']);
});

test('a bad environment ends it with one message that names what is bad, no stack and exit code 1', async (t) => {
  const start = `async () => readConfig({ A_PORT: port, A_URL: url('http'), B_PORT: port })`;
  const { code, complained } = await run(t, start, { A_PORT: 'x', A_URL: 'ftp://me:hunter2@there' }).ended;
  assert.equal(code, 1);
  assert.deepEqual(complained.trim().split('\n'), [
    'This environment cannot be started with:',
    '  A_PORT: Invalid input: expected number, received NaN',
    '  A_URL: must be a URL that starts with http://',
    '  B_PORT: is missing',
  ]);
});

for (const [what, start, message] of [
  ['cannot start', `async () => { throw new Error('no database'); }`, /cannot start or stop: Error: no database/],
  [
    'meets an uncaught bug',
    `async () => { setTimeout(() => { throw new Error('a bug'); }); return { stop() {} }; }`,
    /uncaught exception: Error: a bug/,
  ],
  [
    'meets an unhandled rejection',
    `async () => { Promise.reject(new Error('a bug')); return { stop() {} }; }`,
    /unhandled rejection: Error: a bug/,
  ],
] as const) {
  test(`one that ${what} says so and exits 1`, async (t) => {
    const { code, complained } = await run(t, start).ended;
    assert.equal(code, 1);
    assert.match(complained, message);
  });
}

test('one that cannot stop says so and exits 1', async (t) => {
  const start = `async () => { say('started'); return { async stop() { throw new Error('stuck'); } }; }`;
  const { ended, kill, says } = run(t, start);
  await says('started');
  kill('SIGTERM');
  const { code, complained } = await ended;
  assert.equal(code, 1);
  assert.match(complained, /cannot start or stop: Error: stuck/);
});

test('one that hangs, stopping or starting, ends by itself within 12 s and exits 1', async (t) => {
  const hanging = [
    run(t, `async () => { say('here'); return { stop: () => sleep(60_000) }; }`),
    run(t, `async () => { say('here'); await sleep(60_000); }`),
  ];
  await Promise.all(hanging.map(({ says }) => says('here')));
  const began = Date.now();
  for (const { kill } of hanging) kill('SIGTERM');
  for (const { code, signal, complained } of await Promise.all(hanging.map(({ ended }) => ended))) {
    assert.deepEqual([code, signal], [1, null]);
    assert.match(complained, /not stopped within 12000 ms/);
  }
  assert.ok(Date.now() - began < 25_000);
});
