// What messaging counts: there at 0 from the start, and moved by what really happens at a broker.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { seriesValue } from '../../../infra/testbed/metrics.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { createPublisher, type PublishResult } from '../src/publisher.ts';
import { declareWorkQueue, type WorkQueue } from '../src/topology.ts';
import type { Verdict } from '../src/verdicts.ts';
import { deadLetterQueue, listeningLog, openBroker, startConsumer } from './broker.ts';

const broker = await openBroker();
after(() => broker.close());

const CONNECTION = 'connection="a publisher"';
const RESULTS: PublishResult[] = ['confirmed', 'returned', 'unsent', 'unknown'];

/** Not yet connected: its wire lets nothing through. */
async function openPublisher(t: TestContext, work: WorkQueue) {
  const [wire, registry] = [await layWire(broker.url), new Registry()];
  wire.block(true);
  const declare = (channel: Parameters<typeof declareWorkQueue>[0]) => declareWorkQueue(channel, work);
  const options = { url: wire.url, name: 'a publisher', log: listeningLog(), confirmTimeoutMs: 60_000 };
  const publisher = createPublisher({ ...options, registry, declare });
  t.after(async () => {
    wire.block(false);
    wire.holdResponses(false);
    await publisher.stop();
    await wire.close();
  });
  const value = (name: string) => seriesValue(registry, `messaging_${name}{${CONNECTION}}`);
  const published = async () => {
    const counts = RESULTS.map((result) =>
      seriesValue(registry, `messaging_published_total{${CONNECTION},result="${result}"}`),
    );
    return Object.fromEntries((await Promise.all(counts)).map((count, index) => [RESULTS[index], count]));
  };
  const publish = (id: string, exchange = work.exchange) =>
    publisher.publish(exchange, work.queue, { id, body: { id } });
  return { ...publisher, wire, value, published, publish };
}

test('the series of a publisher exist at 0 before it is connected, and connected follows its connection', async (t) => {
  const { wire, value, published, available } = await openPublisher(t, broker.workQueue());
  assert.deepEqual(await published(), { confirmed: 0, returned: 0, unsent: 0, unknown: 0 });
  for (const name of ['connected', 'unconfirmed', 'confirm_seconds_count']) assert.equal(await value(name), 0, name);
  wire.block(false);
  await until('it is available', available);
  assert.equal(await value('connected'), 1);
  wire.block(true);
  await until('it is not connected', async () => (await value('connected')) === 0);
});

test('each message is counted by its result, and timed unless it was not sent', async (t) => {
  const work = broker.workQueue();
  const { wire, value, published, publish, available } = await openPublisher(t, work);
  await publish('unsent');
  wire.block(false);
  await until('it is available', available);
  await publish('confirmed');
  await publish('returned', 'amq.direct');
  wire.holdResponses(true);
  const unknown = publish('unknown');
  await until('it has arrived', async () => (await broker.waiting(work.queue)) === 2);
  assert.equal(await value('unconfirmed'), 1);
  wire.cut();
  await unknown;
  assert.deepEqual(await published(), { confirmed: 1, returned: 1, unsent: 1, unknown: 1 });
  assert.equal(await value('unconfirmed'), 0);
  assert.equal(await value('confirm_seconds_count'), 3);
});

test('each delivery is counted by its verdict, and each dead letter by its queue', async (t) => {
  const work = { ...broker.workQueue(), retryDelaysMs: [60_000] };
  const verdicts: Record<string, Verdict> = { later: 'later', rotten: { dead: 'it smells' } };
  const handle = async (values: string[]) => values.map((value) => verdicts[value] ?? 'done');
  const { registry, consuming } = await startConsumer<string>(t, broker, work, { handle });
  const consumed = (verdict: string) =>
    seriesValue(registry, `messaging_consumed_total{queue="${work.queue}",verdict="${verdict}"}`);
  const counts = async () => Promise.all(['done', 'later', 'dead'].map(consumed));
  const deadLettered = () => seriesValue(registry, `messaging_dead_lettered_total{queue="${work.queue}"}`);
  assert.deepEqual([...(await counts()), await deadLettered()], [0, 0, 0, 0]);
  await until('it consumes', consuming);
  assert.equal(await seriesValue(registry, 'messaging_connected{connection="a consumer"}'), 1);
  await broker.send(work, ['good', 'later', 'bad', 'rotten', 'good']);
  await until('both dead letters are counted', async () => (await deadLettered()) === 2);
  assert.deepEqual(await counts(), [2, 1, 2]);
});

test('the wait of a message begins when it is first sent and includes its retry steps, up to its dead letter', async (t) => {
  const work = { ...broker.workQueue(), retryDelaysMs: [300] };
  const verdicts: Verdict[] = ['later', { dead: 'twice' }];
  const handle = async () => verdicts.splice(0, 1);
  const { registry, handled } = await startConsumer<object>(t, broker, work, { handle });
  const wait = (part: string) => seriesValue(registry, `messaging_wait_seconds_${part}{queue="${work.queue}"}`);
  assert.equal(await wait('count'), 0);
  const { wire, available, publish } = await openPublisher(t, work);
  wire.block(false);
  await until('it is available', available);
  const began = Date.now();
  await publish('m-1');
  const ended = Date.now();
  await until('it is handled twice', () => handled.length === 2);
  assert.equal(await wait('count'), 2);
  assert.ok(Number(await wait('sum')) > 0.25, `${await wait('sum')} s`);
  await until('it is a dead letter', async () => (await broker.waiting(deadLetterQueue(work))) === 1);
  const [letter] = await broker.takeAll(deadLetterQueue(work));
  const sentMs = Number(letter?.properties.headers?.['x-sent-ms']);
  assert.ok(sentMs >= began && sentMs <= ended, `sent ${sentMs - began} ms after the test began to publish`);
});

test('a message that does not say when it was sent is consumed all the same, and one of a faster clock waited 0 s', async (t) => {
  const work = broker.workQueue();
  const { registry, handled, consuming } = await startConsumer<number>(t, broker, work);
  await until('it consumes', consuming);
  for (const headers of [{}, { 'x-sent-ms': 'soon' }, { 'x-sent-ms': null }, { 'x-sent-ms': Date.now() + 3_600_000 }])
    await broker.send(work, [1], headers);
  await until('all are handled', () => handled.length === 4);
  const wait = (part: string) => seriesValue(registry, `messaging_wait_seconds_${part}{queue="${work.queue}"}`);
  assert.deepEqual([await wait('count'), await wait('sum')], [1, 0]);
});
