// Stopping: nothing new is begun, what is at work ends, the rest goes back; and it ends itself, whatever hangs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from '@prometheus-io/client';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { createPublisher } from '../src/publisher.ts';
import { declareWorkQueue } from '../src/topology.ts';
import type { Verdict } from '../src/verdicts.ts';
import { deadLetterQueue, listeningLog, openBroker, startConsumer } from './broker.ts';

const broker = await openBroker();
after(() => broker.close());

const done = (values: unknown[]): Verdict[] => values.map(() => 'done');

/** A handler that waits for the test, and what it was given. */
function byHand() {
  const { promise, resolve: finish } = Promise.withResolvers<void>();
  const batches: number[][] = [];
  const handle = async (values: number[]) => {
    batches.push(values);
    await promise;
    return done(values);
  };
  return { batches, handle, finish };
}

const bodies = (messages: { content: Buffer }[]) => messages.map(({ content }) => JSON.parse(String(content)));

test('the batches at work end, and what was delivered but not begun goes back to the queue', async (t) => {
  const work = broker.workQueue();
  const { batches, handle, finish } = byHand();
  await broker.declare(work);
  await broker.send(work, [1, 2, 3, 4, 5, 6, 7, 8]);
  const consumer = await startConsumer<number>(t, broker, work, { handle, batch: 2, lanes: 2 });
  await until('both lanes are at work', () => batches.length === 2);
  const stopped = consumer.stop();
  await until('the consumer is cancelled', async () => (await broker.waiting(work.queue)) > 0 || sleep(50, true));
  finish();
  await stopped;
  assert.equal(batches.length, 2);
  const back = bodies(await broker.takeAll(work.queue));
  assert.deepEqual([...batches.flat(), ...back].toSorted(), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('what waits for more lanes begins when there are more, and holds up no stop', async (t) => {
  const work = broker.workQueue();
  await broker.declare(work);
  await broker.send(work, [1, 2, 3, 4, 5, 6, 7, 8]);
  const ends = new Map<number, () => void>();
  const handle = ([value]: number[]) =>
    new Promise<Verdict[]>((resolve) => ends.set(Number(value), () => resolve(['done'])));
  let lanes = 1;
  const options = { handle, batch: 1, lanes: 1_000, lanesNow: () => lanes };
  const consumer = await startConsumer<number>(t, broker, work, options);
  await until('all are delivered', async () => consumer.handled.length > 0 && (await broker.waiting(work.queue)) === 0);
  assert.deepEqual(consumer.handled, [1]);
  lanes = 3;
  ends.get(1)?.();
  await until('three are at work', () => consumer.handled.length === 4);
  const stopped = consumer.stop();
  for (const end of ends.values()) end();
  await stopped;
  assert.deepEqual(bodies(await broker.takeAll(work.queue)).toSorted(), [5, 6, 7, 8]);
});

test('what was put away just before the end stays put away', async (t) => {
  const work = broker.workQueue();
  const { batches, handle, finish } = byHand();
  const consumer = await startConsumer(t, broker, work, { handle, batch: 100, lanes: 1 });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [0, ...Array.from({ length: 20 }, () => 'bad')]);
  await until('it is at work', () => batches.length === 1);
  const stopped = consumer.stop();
  finish();
  await stopped;
  const back = (await broker.takeAll(work.queue)).length;
  const dead = (await broker.takeAll(deadLetterQueue(work))).length;
  assert.equal(dead + back, 20);
});

test('a batch that hangs is not waited for for ever: its messages go back', async (t) => {
  const work = broker.workQueue();
  const { batches, handle, finish } = byHand();
  const consumer = await startConsumer<number>(t, broker, work, { handle });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1]);
  await until('it is at work', () => batches.length === 1);
  await consumer.stop();
  assert.deepEqual(bodies(await broker.takeAll(work.queue)), [1]);
  finish();
});

test('a batch that ends while its connection is closing is not acknowledged, and comes again', async (t) => {
  const work = broker.workQueue();
  const { batches, handle, finish } = byHand();
  const consumer = await startConsumer<number>(t, broker, work, { handle });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1]);
  await until('it is at work', () => batches.length === 1);
  consumer.log.onWarn = () => {
    consumer.log.onWarn = undefined;
    consumer.wire.holdResponses(true);
    setImmediate(finish);
  };
  await broker.management.deleteQueue(work.queue);
  await until('it has lost its queue', () => !consumer.consuming());
  await broker.declare(work);
  await broker.send(work, [2]);
  consumer.wire.holdResponses(false);
  await until('it goes on', () => batches.length === 2);
  await consumer.stop();
  assert.deepEqual(await broker.takeAll(work.queue), []);
});

test('a broker that does not respond delays no stop', async (t) => {
  const [wire, work] = [await layWire(broker.url), broker.workQueue()];
  const declare = (channel: Parameters<typeof declareWorkQueue>[0]) => declareWorkQueue(channel, work);
  const publisher = createPublisher({
    url: wire.url,
    name: 'a publisher',
    log: listeningLog(),
    registry: new Registry(),
    declare,
  });
  const consumer = await startConsumer<number>(t, broker, work, { wire, publisher });
  await until('both are connected', () => consumer.consuming() && publisher.available());
  wire.loseResponses(true);
  const began = performance.now();
  await Promise.all([consumer.stop(), publisher.stop()]);
  assert.ok(performance.now() - began < 8_000, 'in less than a batch may take');
});

test('one that never reached its broker stops at once', async (t) => {
  const wire = await layWire(broker.url);
  wire.block(true);
  const consumer = await startConsumer<number>(t, broker, broker.workQueue(), { wire });
  await until('it has tried', () => consumer.log.warnings.length > 0);
  await consumer.stop();
  assert.equal(consumer.consuming(), false);
});
