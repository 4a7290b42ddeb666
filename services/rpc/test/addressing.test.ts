// Addressing: one name, several processes, and which ones may change at any time.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { connect, startEcho } from './echo.ts';

const signed = (name: string) => async () => ({ text: name });

test('a process that joins the name gets its share of the calls, and one that leaves it costs none', async (t) => {
  if (process.platform === 'darwin') return t.skip('macOS answers on 127.0.0.1 only');
  const one = await startEcho(t, signed('one'));
  const two = await startEcho(t, signed('two'), one.port, '127.0.0.2');
  let addresses = ['127.0.0.1'];
  const lookup = async () => addresses.map((address) => ({ address, family: 4 }));
  t.mock.method(dns.promises, 'lookup', lookup as never);
  const { say } = connect(t, `neighbour:${one.port}`, 'never');

  assert.equal(await say('who?'), 'one');
  addresses = ['127.0.0.1', '127.0.0.2'];
  await until('the second is heard', async () => (await say('who?')) === 'two');
  const answers = await Promise.all(Array.from({ length: 100 }, () => say('who?')));
  assert.equal(answers.filter((name) => name === 'two').length, 50);

  addresses = ['127.0.0.2'];
  await until('the first is heard no more', async () => {
    const said = await Promise.all([say('who?'), say('who?')]);
    return said.every((name) => name === 'two');
  });
  await one.stop();
  assert.equal(await say('who?'), 'two');
  await two.stop();
});
