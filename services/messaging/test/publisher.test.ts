// Each of the four results, really produced; and when a publisher is not available.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { createPublisher } from '../src/publisher.ts';
import { declareWorkQueue, type WorkQueue } from '../src/topology.ts';
import { deadLetterQueue, listeningLog, openBroker, serverSays, shortText } from './broker.ts';

const broker = await openBroker();
after(() => broker.close());

async function startPublisher(
  t: TestContext,
  options: { work?: WorkQueue; confirmTimeoutMs?: number; maxUnconfirmed?: number } = {},
) {
  const { work = broker.workQueue(), ...limits } = options;
  const wire = await layWire(broker.url);
  const [log, registry] = [listeningLog(), new Registry()];
  const declare = (channel: Parameters<typeof declareWorkQueue>[0]) => declareWorkQueue(channel, work);
  const publisher = createPublisher({ url: wire.url, name: 'a publisher', log, registry, declare, ...limits });
  t.after(async () => {
    await publisher.stop();
    await wire.close();
  });
  assert.equal(publisher.available(), false);
  await until('it is available', publisher.available);
  const publish = (id: string, exchange = work.exchange) =>
    publisher.publish(exchange, work.queue, { id, body: { id } });
  const arrived = async () => (await broker.takeAll(work.queue)).map(({ properties }) => properties.messageId);
  return { ...publisher, publish, arrived, work, wire, log, registry };
}

test('confirmed: it is in the queue, persistent, with its id', async (t) => {
  const { publish, work } = await startPublisher(t);
  assert.equal(await publish('m-1'), 'confirmed');
  const [message, ...more] = await broker.takeAll(work.queue);
  const { messageId, deliveryMode, contentType } = message?.properties ?? {};
  assert.deepEqual([messageId, deliveryMode, contentType, more], ['m-1', 2, 'application/json', []]);
  assert.deepEqual(JSON.parse(String(message?.content)), { id: 'm-1' });
});

test('returned: no queue took it, and those published with it are confirmed', async (t) => {
  const { publish, arrived } = await startPublisher(t);
  const results = await Promise.all([publish('m-1'), publish('m-2', 'amq.direct'), publish('m-3')]);
  assert.deepEqual(results, ['confirmed', 'returned', 'confirmed']);
  assert.deepEqual(await arrived(), ['m-1', 'm-3']);
});

test('unsent: there is no connection, and it never arrives', async (t) => {
  const { publish, arrived, available, wire } = await startPublisher(t);
  wire.block(true);
  await until('it is not available', () => !available());
  assert.equal(await publish('m-1'), 'unsent');
  wire.block(false);
  await until('it is available again', available);
  assert.equal(await publish('m-2'), 'confirmed');
  assert.deepEqual(await arrived(), ['m-2']);
});

test('unknown: its confirm does not come in time, and it has arrived', async (t) => {
  const { publish, arrived, wire } = await startPublisher(t, { confirmTimeoutMs: 300 });
  wire.holdResponses(true);
  assert.equal(await publish('m-1'), 'unknown');
  assert.deepEqual(await arrived(), ['m-1']);
  wire.holdResponses(false);
  const results = await Promise.all(['m-2', 'm-3'].map((id) => publish(id)));
  assert.deepEqual(results, ['confirmed', 'confirmed']);
});

test('unknown: the connection is cut before its confirm, and it has arrived', async (t) => {
  const { publish, arrived, wire, work, available } = await startPublisher(t, { confirmTimeoutMs: 60_000 });
  wire.holdResponses(true);
  const results = Promise.all([publish('m-1'), publish('m-2')]);
  await until('both have arrived', async () => (await broker.waiting(work.queue)) === 2);
  wire.cut();
  wire.holdResponses(false);
  assert.deepEqual(await results, ['unknown', 'unknown']);
  await until('it is available again', available);
  assert.deepEqual((await arrived()).toSorted(), ['m-1', 'm-2']);
});

test('unknown: the broker refuses it, and for a while no more is to be published', async (t) => {
  const work = { ...broker.workQueue(), maxLength: 1 };
  const { publish, available } = await startPublisher(t, { work });
  await until('the queue is full', async () => (await publish('m')) === 'unknown');
  assert.equal(available(), false);
  await broker.takeAll(work.queue).catch(() => undefined);
  await until('it is available again', available);
});

test('it is not available while the broker blocks publishers', async (t) => {
  const { available, wire, log } = await startPublisher(t);
  wire.pretend(serverSays(0, 10, 60, shortText('low on disk')));
  await until('it is not available', () => !available());
  assert.deepEqual(log.warnings, ['the broker blocks publishers']);
  wire.pretend(serverSays(0, 10, 61));
  await until('it is available again', available);
});

test('what waits for its confirm is bounded: beyond it nothing is sent', async (t) => {
  const { publish, available, arrived, wire } = await startPublisher(t, { maxUnconfirmed: 10 });
  wire.holdResponses(true);
  const first = Array.from({ length: 10 }, (_, index) => publish(`m-${index}`));
  assert.equal(available(), false);
  assert.deepEqual(await Promise.all([publish('m-10'), publish('m-11')]), ['unsent', 'unsent']);
  wire.holdResponses(false);
  assert.deepEqual(new Set(await Promise.all(first)), new Set(['confirmed']));
  assert.equal(available(), true);
  assert.equal((await arrived()).length, 10);
});

test('a message is sent on as it is, with other headers', async (t) => {
  const { forward, work } = await startPublisher(t);
  await broker.send(work, [{ as: 'it is' }], { old: 1 });
  const [message] = await broker.takeAll(work.queue);
  assert.ok(message);
  assert.equal(await forward(deadLetterQueue(work), message as never, { 'x-reason': 'because' }), 'confirmed');
  const [letter] = await broker.takeAll(deadLetterQueue(work));
  assert.deepEqual(letter?.content, message.content);
  const { 'x-reason': reason, old } = letter?.properties.headers ?? {};
  assert.deepEqual([reason, old], ['because', undefined]);
});

test('stopping waits for the confirms of what was published', async (t) => {
  const { publish, stop, arrived } = await startPublisher(t);
  const results = Array.from({ length: 50 }, (_, index) => publish(`m-${index}`));
  await stop();
  assert.deepEqual(new Set(await Promise.all(results)), new Set(['confirmed']));
  assert.equal((await arrived()).length, 50);
});

for (const [what, breakIt] of Object.entries({
  'its connection is reset': (wire: { cut(): void }) => wire.cut(),
  'an operator closes its connection': () => broker.closeConnections(),
})) {
  test(`${what}: it is not available, and within 10 s it is again`, async (t) => {
    const { available, publish, wire } = await startPublisher(t);
    const broken = breakIt(wire);
    await until('it is not available', () => !available());
    await until('it is available again', available, 10_000);
    await broken;
    assert.equal(await publish('m-1'), 'confirmed');
  });
}
