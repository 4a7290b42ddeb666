import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { createRegistry, startOps } from '../src/ops.ts';

async function start(t: TestContext, unready: () => Promise<string[]> | string[]) {
  const ops = await startOps({ host: '127.0.0.1', port: 0, registry: createRegistry('a-service'), unready });
  t.after(ops.stop);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${ops.port}${path}`);
    return [response.status, await response.text()] as const;
  };
  return { port: ops.port, get };
}

test('a process that responds is alive, whether it is ready or not', async (t) => {
  const { get } = await start(t, () => ['the broker']);
  assert.deepEqual(await get('/livez'), [200, 'alive\n']);
});

test('a process is ready when nothing is missing, and else says what is', async (t) => {
  let missing = ['the broker', 'the database'];
  const { get } = await start(t, async () => missing);
  assert.deepEqual(await get('/readyz'), [503, 'not ready: the broker, the database\n']);
  missing = [];
  assert.deepEqual(await get('/readyz'), [200, 'ready\n']);
});

test('a process that cannot find out whether it is ready is not', async (t) => {
  const { get } = await start(t, () => Promise.reject(new Error('no database')));
  assert.deepEqual(await get('/readyz'), [503, 'not ready: Error: no database\n']);
});

test('metrics name their service, those of the process among them', async (t) => {
  const { get } = await start(t, () => []);
  const [status, text] = await get('/metrics');
  assert.equal(status, 200);
  assert.match(text, /^process_cpu_user_seconds_total\{service="a-service"\} /m);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.ok(text.includes(`build_info{version="${version}",service="a-service"} 1\n`));
});

test('other paths are not found', async (t) => {
  const { get } = await start(t, () => []);
  assert.equal((await get('/'))[0], 404);
});

test('a port that is taken is said', async (t) => {
  const { port } = await start(t, () => []);
  const registry = createRegistry('another');
  await assert.rejects(startOps({ host: '127.0.0.1', port, registry, unready: () => [] }), /EADDRINUSE/);
});
