// Being called: requests are read, errors are mapped in one place, and streams end with their caller.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import { z } from 'zod';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { statusOf, trailerOf } from '../src/client.ts';
import { RpcError, read, status } from '../src/handlers.ts';
import { connect, startEcho, startRepeating } from './echo.ts';

const Request = z.object({ items: z.array(z.object({ someId: z.string() })) });

function refusalOf(request: unknown): RpcError {
  try {
    read(Request, request);
  } catch (error) {
    if (error instanceof RpcError) return error;
  }
  throw new Error('it was read');
}

test('a request is read as its schema makes it', () => {
  assert.deepEqual(read(Request, { items: [{ someId: 'a', other: 1 }] }), { items: [{ someId: 'a' }] });
});

test('what is wrong is INVALID_ARGUMENT, field by field, as the .proto spells it', () => {
  const { code, message } = refusalOf({ items: [{ someId: 'a' }, { someId: 1 }] });
  assert.equal(code, status.INVALID_ARGUMENT);
  assert.match(message, /^items\[1\]\.some_id: [^;]+$/);
});

test('of very many fields some are named and the others counted', () => {
  const { message } = refusalOf({ items: Array.from({ length: 60 }, () => ({})) });
  assert.equal(message.split('; ').length, 51);
  assert.match(message, /; and 10 more$/);
});

test('a status other than OK that a handler intends arrives as it is', async (t) => {
  const { address, errors } = await startEcho(t, async ({ text }) => {
    throw new RpcError(status.FAILED_PRECONDITION, `not ${text}`);
  });
  await assert.rejects(connect(t, address, 'idempotent').say('today'), (error: Error) => {
    assert.equal(statusOf(error), status.FAILED_PRECONDITION);
    assert.match(error.message, /not today/);
    return true;
  });
  assert.deepEqual(errors, []);
});

test('a bug is INTERNAL, its message stays here and is logged', async (t) => {
  const { address, errors } = await startEcho(t, async () => {
    throw new Error('password is hunter2');
  });
  await assert.rejects(connect(t, address, 'idempotent').say('x'), (error: Error) => {
    assert.equal(statusOf(error), status.INTERNAL);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  assert.match(JSON.stringify(errors), /hunter2.*handlers\.test\.ts/);
});

test('a caller who hangs up is gone, and one who named no deadline has none', async (t) => {
  const seen: string[] = [];
  const { address } = await startEcho(t, async (request, caller) => {
    seen.push(caller.deadlineMs === Number.POSITIVE_INFINITY ? 'no deadline' : 'a deadline');
    await until('the caller has cancelled', () => caller.cancelled());
    seen.push('gone');
    return request;
  });
  const { client } = connect(t, address, 'never');
  const call = client.say({ text: 'x' }, new Metadata(), {}, () => undefined);
  await until('it has arrived', () => seen.length === 1);
  call.cancel();
  await until('the handler knows', () => seen.length === 2);
  assert.deepEqual(seen, ['no deadline', 'gone']);
});

test('calls are counted by their status', async (t) => {
  const { address, registry } = await startEcho(t, async (request) => {
    if (request.text === 'bad') throw new RpcError(status.NOT_FOUND, 'no');
    return request;
  });
  const { say } = connect(t, address, 'idempotent');
  await say('good');
  await assert.rejects(say('bad'));
  const metrics = await registry.metrics();
  for (const code of ['OK', 'NOT_FOUND'])
    assert.match(metrics, new RegExp(`rpc_server_call_seconds_count\\{method="say",code="${code}"\\} 1`));
});

test('trailers that a handler means arrive, and only those', async (t) => {
  const refuse = () => {
    throw new RpcError(status.RESOURCE_EXHAUSTED, 'too many', { shed: '1' });
  };
  const errorOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );
  const echo = await startEcho(t, async () => refuse());
  const repeating = await startRepeating(t, async function* (request) {
    yield request;
    refuse();
  });
  const [unary, streaming] = [connect(t, echo.address, 'never'), connect(t, repeating.address, 'never')];
  const readAll = async () => {
    for await (const _ of streaming.repeat('x'));
  };
  for (const error of [await errorOf(unary.say('x')), await errorOf(readAll())]) {
    assert.equal(statusOf(error), status.RESOURCE_EXHAUSTED);
    assert.equal(trailerOf(error, 'shed'), '1');
    assert.equal(trailerOf(error, 'other'), undefined);
  }
  assert.equal(trailerOf(new Error('not of a call'), 'shed'), undefined);
});

test('a stream waits for a slow reader, and goes on with it', async (t) => {
  let sent = 0;
  const { address } = await startRepeating(t, async function* () {
    for (; sent < 1_000; sent += 1) yield { text: 'x'.repeat(64 * 1024) };
  });
  const stream = connect(t, address, 'never').repeat('x');
  await stream.next();
  await until('it has stopped sending', async () => {
    const before = sent;
    await sleep(200);
    return sent === before;
  });
  assert.ok(sent < 500, `${sent} of 1000 were sent to a reader that read one`);
  let read = 1;
  for await (const _ of stream) read += 1;
  assert.deepEqual([read, sent], [1_000, 1_000]);
});

test('a caller that leaves ends a stream, while it waits for its reader as while it waits for its next response', async (t) => {
  const ended: string[] = [];
  const { address, errors, registry } = await startRepeating(t, async function* (request, caller) {
    try {
      yield request;
      if (request.text === 'nothing comes') await once(caller.signal, 'abort');
      for (;;) yield { text: 'x'.repeat(64 * 1024) };
    } finally {
      ended.push(request.text);
    }
  });
  const { client } = connect(t, address, 'never');
  for (const text of ['nothing comes', 'not read']) {
    const stream = client.repeat({ text }, new Metadata(), {}).on('error', () => undefined);
    await once(stream, 'readable');
    stream.cancel();
    await until('the handler has ended', () => ended.at(-1) === text);
  }
  const counted = /rpc_server_call_seconds_count\{method="repeat",code="CANCELLED"\} 2/;
  await until('they are counted', async () => counted.test(await registry.metrics()));
  assert.deepEqual(errors, []);
});

test('a deadline ends a stream whose reader has stopped reading', async (t) => {
  let ended = false;
  const { address } = await startRepeating(t, async function* () {
    try {
      for (;;) yield { text: 'x'.repeat(64 * 1024) };
    } finally {
      ended = true;
    }
  });
  const wire = await layWire(`tcp://${address}`);
  t.after(() => wire.close());
  const stream = connect(t, new URL(wire.url).host, 'never').repeat('x', 1_500);
  await stream.next();
  // The caller's own end of the call is lost as well.
  wire.loseRequests(true);
  await until('the handler has ended', () => ended);
  await stream.return();
});

test('a bug in a stream is INTERNAL after what was sent before, and is logged', async (t) => {
  const { address, errors, registry } = await startRepeating(t, async function* (request) {
    yield request;
    throw new Error('password is hunter2');
  });
  const stream = connect(t, address, 'idempotent').repeat('x');
  assert.equal((await stream.next()).value, 'x');
  await assert.rejects(stream.next(), (error: Error) => {
    assert.equal(statusOf(error), status.INTERNAL);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  assert.match(JSON.stringify(errors), /hunter2.*handlers\.test\.ts/);
  assert.match(await registry.metrics(), /rpc_server_call_seconds_count\{method="repeat",code="INTERNAL"\} 1/);
});
