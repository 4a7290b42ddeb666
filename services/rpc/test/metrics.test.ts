// What is measured of calls: there at 0 from the start, and once for each call, by the status that its caller got.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seriesValue } from '../../../infra/testbed/metrics.ts';
import { until } from '../../../infra/until.ts';
import { RpcError, status } from '../src/handlers.ts';
import { connect, startEcho, startRepeating } from './echo.ts';

type Client = ReturnType<typeof connect>;

const calls = ({ registry }: Client, method: string, code: string) =>
  seriesValue(registry, `rpc_client_call_seconds_count{callee="EchoService",method="${method}",code="${code}"}`);

test('the series of a caller and of a server exist at 0 from their start', async (t) => {
  const { address, registry } = await startEcho(t);
  const client = connect(t, address, 'never');
  for (const method of ['say', 'repeat'])
    for (const code of ['OK', 'DEADLINE_EXCEEDED', 'UNAVAILABLE'])
      assert.equal(await calls(client, method, code), 0, `${method} ${code}`);
  assert.equal(await seriesValue(registry, 'rpc_server_call_seconds_count{method="say",code="OK"}'), 0);
});

test('a call is counted by the status that its caller got, once however often it was tried', async (t) => {
  let attempts = 0;
  const { address } = await startEcho(t, async (request, caller) => {
    if (request.text === 'missing') throw new RpcError(status.NOT_FOUND, 'no');
    if (request.text === 'slow') await until('the caller has cancelled', () => caller.cancelled());
    if (request.text === 'away') {
      attempts += 1;
      throw new RpcError(status.UNAVAILABLE, 'not now');
    }
    return request;
  });
  const client = connect(t, address, 'idempotent');
  await client.say('hello');
  await assert.rejects(client.say('missing'));
  await assert.rejects(client.say('slow', 1_000));
  await assert.rejects(client.say('away'));
  assert.equal(attempts, 3);
  for (const code of ['OK', 'NOT_FOUND', 'DEADLINE_EXCEEDED', 'UNAVAILABLE'])
    assert.equal(await calls(client, 'say', code), 1, code);
});

test('a stream is counted at its end: OK when it was read to it, CANCELLED when its reader stopped early', async (t) => {
  const { address } = await startRepeating(t, async function* (request) {
    yield request;
    if (request.text !== 'short') for (;;) yield sleep(1, request);
  });
  const client = connect(t, address, 'never');
  for await (const _ of client.repeat('short'));
  await until('it is counted', async () => (await calls(client, 'repeat', 'OK')) === 1);
  for await (const _ of client.repeat('long')) break;
  await until('the other is counted', async () => (await calls(client, 'repeat', 'CANCELLED')) === 1);
});

test('clients of one registry share its series', async (t) => {
  const { address } = await startEcho(t);
  const first = connect(t, address, 'never');
  const second = connect(t, address, 'idempotent', undefined, first.registry);
  await first.say('one');
  await second.say('two');
  assert.equal(await calls(first, 'say', 'OK'), 2);
});
