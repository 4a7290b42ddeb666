// Calling: every call ends, and only what may be repeated is.
import assert from 'node:assert/strict';
import { createServer, constants as http2, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { status, statusOf } from '../src/client.ts';
import { RpcError } from '../src/server.ts';
import { connect, startEcho } from './echo.ts';

const endsWith = (code: status) => (error: unknown) => statusOf(error) === code;

test('a call is answered', async (t) => {
  const { address } = await startEcho(t);
  assert.equal(await connect(t, address, 'idempotent').say('hello'), 'hello');
});

test('a deadline ends a call whose answer does not come, and the handler knows it', async (t) => {
  let [left, gone] = [0, false];
  const { address } = await startEcho(t, async (request, caller) => {
    if (request.text === 'hello') return request;
    left = caller.deadlineMs - Date.now();
    await until('the caller is gone', () => caller.gone());
    gone = true;
    return request;
  });
  const { say } = connect(t, address, 'never');
  await say('hello');
  await assert.rejects(say('anybody?', 1_000), endsWith(status.DEADLINE_EXCEEDED));
  await until('the handler knows', () => gone);
  assert.ok(left > 0 && left <= 1_000, `${left} ms were left`);
});

test('a deadline ends a call to nobody', async (t) => {
  for (const retries of ['idempotent', 'never'] as const) {
    const codes = [status.DEADLINE_EXCEEDED, status.UNAVAILABLE];
    const { say } = connect(t, '127.0.0.1:1', retries);
    await assert.rejects(say('anybody?', 500), (error) => codes.includes(statusOf(error) as status));
  }
});

test('UNAVAILABLE is tried again where a call may be repeated, three times in all, and nowhere else', async (t) => {
  let [attempts, failures] = [0, 2];
  const { address } = await startEcho(t, async (request) => {
    attempts += 1;
    if (attempts <= failures) throw new RpcError(status.UNAVAILABLE, 'not now');
    return request;
  });
  const [idempotent, never] = [connect(t, address, 'idempotent'), connect(t, address, 'never')];
  assert.equal(await idempotent.say('again'), 'again');
  assert.equal(attempts, 3);
  [attempts, failures] = [0, 3];
  await assert.rejects(idempotent.say('again'), endsWith(status.UNAVAILABLE));
  assert.equal(attempts, 3);
  [attempts, failures] = [0, 1];
  await assert.rejects(never.say('once'), endsWith(status.UNAVAILABLE));
  assert.equal(attempts, 1);
});

for (const code of [
  status.INTERNAL,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.UNKNOWN,
]) {
  test(`${status[code]} is never tried again`, async (t) => {
    let attempts = 0;
    const { address } = await startEcho(t, async () => {
      attempts += 1;
      throw new RpcError(code, 'no');
    });
    await assert.rejects(connect(t, address, 'idempotent').say('x'), endsWith(code));
    assert.equal(attempts, 1);
  });
}

/** A server that has read a call and refuses its stream, which grpc-js would try again by itself. */
async function startRefusing(t: TestContext) {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  let calls = 0;
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream) => {
    calls += 1;
    stream.on('error', () => undefined);
    stream.close(http2.NGHTTP2_REFUSED_STREAM);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, calls: () => calls };
}

test('a stream that was refused is tried again where a call may be repeated, and not where it must not', async (t) => {
  const refusing = await startRefusing(t);
  await assert.rejects(connect(t, refusing.address, 'never').say('once'), endsWith(status.UNAVAILABLE));
  assert.equal(refusing.calls(), 1);
  await assert.rejects(connect(t, refusing.address, 'idempotent').say('again'), endsWith(status.UNAVAILABLE));
  assert.ok(refusing.calls() > 2, `${refusing.calls() - 1} attempts`);
});

test('a call whose connection is cut has happened once where it must not be repeated', async (t) => {
  let attempts = 0;
  const echo = await startEcho(t, async (request, caller) => {
    attempts += 1;
    await until('the caller is gone', () => caller.gone());
    return request;
  });
  const wire = await layWire(`tcp://${echo.address}`);
  t.after(() => wire.close());
  const { host } = new URL(wire.url);
  const answer = connect(t, host, 'never').say('once');
  answer.catch(() => undefined);
  await until('it has arrived', () => attempts === 1);
  wire.cut();
  await assert.rejects(answer, endsWith(status.UNAVAILABLE));
  assert.equal(attempts, 1);
});

test('a neighbour that was restarted is found again', async (t) => {
  const before = await startEcho(t);
  const { say } = connect(t, before.address, 'idempotent');
  assert.equal(await say('one'), 'one');
  await before.stop();
  await assert.rejects(say('two', 2_000));
  await startEcho(t, undefined, before.port);
  await until('it answers', async () => (await say('three', 1_000)) === 'three', 10_000);
});
