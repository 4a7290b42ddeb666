import assert from 'node:assert/strict';
import type { RequestListener, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startHttpServer } from '../src/http-server.ts';

/** Longer than a test may last. */
const NEVER_MS = 600_000;

/** A server with one request in flight, whose response is the test's to give. */
async function startRequested(t: TestContext, drainMs: number) {
  const requested = Promise.withResolvers<ServerResponse>();
  const app: RequestListener = (_request, response) => requested.resolve(response);
  const limits = { keepAliveTimeout: NEVER_MS, drainMs };
  const { port, stop } = await startHttpServer({ host: '127.0.0.1', port: 0, app, ...limits });
  const url = `http://127.0.0.1:${port}`;
  const text = fetch(url).then((response) => response.text());
  const response = await requested.promise;
  t.after(() => Promise.all([response.end(), stop()]));
  return { url, text, response, stop };
}

test('a stop lets the response out, takes no new connection, and waits for none that is kept open', async (t) => {
  const { url, text, response, stop } = await startRequested(t, NEVER_MS);
  const stopped = stop();
  await assert.rejects(fetch(url));
  response.end('done');
  assert.equal(await text, 'done');
  await stopped;
});

test('two servers share a port where both say so, and one of them is enough', async (t) => {
  if (process.platform === 'darwin') return t.skip('macOS spreads nothing over the processes of a port');
  const start = async (name: string, port: number, reusePort = true) => {
    const app: RequestListener = (_request, response) => response.setHeader('connection', 'close').end(name);
    const server = await startHttpServer({ host: '127.0.0.1', port, reusePort, app, drainMs: NEVER_MS });
    t.after(server.stop);
    return server;
  };
  const one = await start('one', 0);
  await start('two', one.port);
  await assert.rejects(start('three', one.port, false), /EADDRINUSE/);
  const names = async () =>
    new Set(await Promise.all(Array.from({ length: 40 }, async () => (await fetch(url)).text())));
  const url = `http://127.0.0.1:${one.port}`;
  assert.deepEqual([...(await names())].toSorted(), ['one', 'two']);
  await one.stop();
  assert.deepEqual(await names(), new Set(['two']));
});

test('a stop does not wait for ever for a response that never comes', async (t) => {
  const { text, stop } = await startRequested(t, 50);
  await Promise.all([stop(), assert.rejects(text)]);
});
