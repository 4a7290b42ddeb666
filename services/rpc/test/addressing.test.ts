// Addressing: one name, several processes, and which ones may change at any time.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../infra/until.ts';
import { connect, startEcho, startRepeating } from './echo.ts';

const RENEW_MS = 200;
const signed = (name: string) => async () => ({ text: name });

test('a process that joins the name gets its share of the calls, and one that leaves it costs none', async (t) => {
  if (process.platform === 'darwin') return t.skip('macOS responds on 127.0.0.1 only');
  const one = await startEcho(t, signed('one'));
  const two = await startEcho(t, signed('two'), one.port, '127.0.0.2');
  let addresses = ['127.0.0.1'];
  const lookup = async () => addresses.map((address) => ({ address, family: 4 }));
  t.mock.method(dns.promises, 'lookup', lookup as never);
  const { say } = connect(t, `neighbour:${one.port}`, 'never', RENEW_MS);

  assert.equal(await say('who?'), 'one');
  addresses = ['127.0.0.1', '127.0.0.2'];
  await until('the second gets a call', async () => (await say('who?')) === 'two');
  const names = await Promise.all(Array.from({ length: 100 }, () => say('who?')));
  assert.equal(names.filter((name) => name === 'two').length, 50);

  addresses = ['127.0.0.2'];
  await until('the first gets no more calls', async () => {
    const names = await Promise.all([say('who?'), say('who?')]);
    return names.every((name) => name === 'two');
  });
  await one.stop();
  assert.equal(await say('who?'), 'two');
  await two.stop();
});

/** Calls beside each other, begun one after another for as long as the channel takes to be renewed several times. */
async function callWhileRenewing(t: TestContext, call: (text: string) => Promise<string>) {
  const calls: Promise<string>[] = [];
  for (const end = Date.now() + 10 * RENEW_MS; Date.now() < end; await sleep(1))
    calls.push(call(`call ${calls.length}`));
  const texts = await Promise.all(calls);
  t.diagnostic(`${calls.length} calls`);
  return texts;
}

for (const [length, lastsMs] of [
  ['short', 5],
  ['long', 4 * RENEW_MS],
] as const) {
  test(`a renewed channel breaks none of many ${length} calls, and sends each once`, async (t) => {
    const executed: string[] = [];
    const { address } = await startEcho(t, async (request) => {
      executed.push(request.text);
      await sleep(lastsMs);
      return request;
    });
    const texts = await callWhileRenewing(t, connect(t, address, 'never', RENEW_MS).say);
    assert.deepEqual(executed.toSorted(), texts.toSorted());
  });
}

test('a renewed channel breaks no stream that outlives it', async (t) => {
  const { address } = await startRepeating(t, async function* (request) {
    for (let sent = 0; sent < 10; sent += 1) {
      yield request;
      await sleep(RENEW_MS / 2);
    }
  });
  const { repeat } = connect(t, address, 'never', RENEW_MS);
  const lengths = await callWhileRenewing(t, async (text) => {
    let read = 0;
    for await (const _ of repeat(text)) read += 1;
    return `${read}`;
  });
  assert.ok(lengths.every((length) => length === '10'));
});

test('several addresses share the calls, and those that begin after one process died go to the other', async (t) => {
  const one = await startEcho(t, signed('one'));
  const two = await startEcho(t, signed('two'));
  const { say } = connect(t, `ipv4:${one.address},${two.address}`, 'never', RENEW_MS);
  await until('both get calls', async () => new Set([await say('who?'), await say('who?')]).size === 2);
  await one.stop();
  for (let calls = 0; calls < 100; calls += 1) assert.equal(await say('who?'), 'two');
  const restarted = await startEcho(t, signed('one'), one.port);
  await until('both get calls again', async () => (await say('who?')) === 'one');
  await restarted.stop();
});
