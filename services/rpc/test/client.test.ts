// Calling: every call ends, and only what may be repeated is.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, constants as http2, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { status, statusOf } from '../src/client.ts';
import { RpcError } from '../src/handlers.ts';
import { connect, startEcho, startRepeating } from './echo.ts';

const endsWith = (code: status) => (error: unknown) => statusOf(error) === code;

test('a call gets its response', async (t) => {
  const { address } = await startEcho(t);
  assert.equal(await connect(t, address, 'idempotent').say('hello'), 'hello');
});

test('a deadline ends a call whose response does not come, and its handler is aborted', async (t) => {
  let [remainingMs, cancelled] = [0, false];
  const { address } = await startEcho(t, async (request, caller) => {
    if (request.text === 'hello') return request;
    remainingMs = caller.deadlineMs - Date.now();
    await until('the caller has cancelled', () => caller.cancelled());
    cancelled = true;
    return request;
  });
  const { say } = connect(t, address, 'never');
  await say('hello');
  await assert.rejects(say('anybody?', 1_000), endsWith(status.DEADLINE_EXCEEDED));
  await until('the handler has ended', () => cancelled);
  assert.ok(remainingMs > 0 && remainingMs <= 1_000, `${remainingMs} ms were left`);
});

test('a deadline ends a call that finds no server', async (t) => {
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
    await until('the caller has cancelled', () => caller.cancelled());
    return request;
  });
  const wire = await layWire(`tcp://${echo.address}`);
  t.after(() => wire.close());
  const { host } = new URL(wire.url);
  const response = connect(t, host, 'never').say('once');
  response.catch(() => undefined);
  await until('it has arrived', () => attempts === 1);
  wire.cut();
  await assert.rejects(response, endsWith(status.UNAVAILABLE));
  assert.equal(attempts, 1);
});

test('a neighbour that was restarted is found again', async (t) => {
  const before = await startEcho(t);
  const { say } = connect(t, before.address, 'idempotent');
  assert.equal(await say('one'), 'one');
  await before.stop();
  await assert.rejects(say('two', 2_000));
  await startEcho(t, undefined, before.port);
  await until('it responds', async () => (await say('three', 1_000)) === 'three', 10_000);
});

test('the responses of a stream are read as they are sent, in their order', async (t) => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { address } = await startRepeating(t, async function* ({ text }) {
    yield { text: `${text} 1` };
    await first.promise;
    yield { text: `${text} 2` };
    await second.promise;
  });
  const stream = connect(t, address, 'idempotent').repeat('hello');
  assert.equal((await stream.next()).value, 'hello 1');
  first.resolve();
  assert.equal((await stream.next()).value, 'hello 2');
  second.resolve();
  assert.equal((await stream.next()).done, true);
});

test('a stream that fails is read up to its error, and a stream may have any length', async (t) => {
  const { address } = await startRepeating(t, async function* (request) {
    yield request;
    yield request;
    if (request.text === 'fail') throw new RpcError(status.ABORTED, 'no more');
  });
  const { repeat } = connect(t, address, 'idempotent');
  const read: string[] = [];
  const readAll = async (text: string) => {
    for await (const word of repeat(text)) read.push(word);
  };
  await assert.rejects(readAll('fail'), endsWith(status.ABORTED));
  await readAll('end');
  assert.deepEqual(read, ['fail', 'fail', 'end', 'end']);
});

test('a reader that stops early ends the call, and a later error has no effect', async (t) => {
  let gone = false;
  const { address } = await startRepeating(t, async function* (request, caller) {
    try {
      for (;;) {
        yield request;
        await sleep(1);
      }
    } finally {
      gone = caller.signal.aborted;
    }
  });
  for await (const word of connect(t, address, 'idempotent').repeat('hello')) {
    assert.equal(word, 'hello');
    break;
  }
  await until('the handler has ended', () => gone);
});

test('a deadline ends a stream whose next response does not come, after what came', async (t) => {
  let ended = false;
  const { address } = await startRepeating(t, async function* (request, caller) {
    yield request;
    await once(caller.signal, 'abort');
    ended = true;
  });
  const stream = connect(t, address, 'never').repeat('hello', 1_000);
  assert.equal((await stream.next()).value, 'hello');
  await assert.rejects(stream.next(), endsWith(status.DEADLINE_EXCEEDED));
  await until('the handler knows', () => ended);
});

test('a stream that could not be opened is tried again where it may be repeated, and never once it has begun', async (t) => {
  let [attempts, begun] = [0, false];
  const { address } = await startRepeating(t, async function* (request) {
    attempts += 1;
    if (begun) yield request;
    throw new RpcError(status.UNAVAILABLE, 'not now');
  });
  const readAll = async () => {
    for await (const _ of connect(t, address, 'idempotent').repeat('hello'));
  };
  await assert.rejects(readAll(), endsWith(status.UNAVAILABLE));
  assert.equal(attempts, 3);
  [attempts, begun] = [0, true];
  await assert.rejects(readAll(), endsWith(status.UNAVAILABLE));
  assert.equal(attempts, 1);
});
