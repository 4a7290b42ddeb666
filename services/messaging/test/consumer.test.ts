// Batches: bounded, in lanes, each message put away by its own verdict, and acknowledged only after that.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../../../infra/until.ts';
import type { Verdict } from '../src/verdicts.ts';
import { deadLetterQueue, openBroker, retryQueue, startConsumer } from './broker.ts';

const broker = await openBroker();
after(() => broker.close());

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A handler whose batches wait for the test. */
function byHand(verdict: Verdict = 'done') {
  const batches: { values: number[]; finish(verdicts?: Verdict[]): void; fail(): void }[] = [];
  const handle = (values: number[]) =>
    new Promise<Verdict[]>((resolve, reject) => {
      const finish = (verdicts = values.map(() => verdict)) => resolve(verdicts);
      batches.push({ values, finish, fail: () => reject(new Error('a bug')) });
    });
  return { batches, handle };
}

test('at most so many messages are a batch, at most so many batches are at work, and all are handled', async (t) => {
  const work = broker.workQueue();
  await broker.declare(work);
  await broker.send(work, numbers(200));
  let [atWork, most, biggest] = [0, 0, 0];
  const handle = async (values: number[]): Promise<Verdict[]> => {
    atWork += 1;
    [most, biggest] = [Math.max(most, atWork), Math.max(biggest, values.length)];
    await new Promise(setImmediate);
    atWork -= 1;
    return values.map(() => 'done');
  };
  const consumer = await startConsumer<number>(t, broker, work, { handle, batch: 20, lanes: 3 });
  await until('all are handled', () => consumer.handled.length === 200);
  assert.deepEqual(
    consumer.handled.toSorted((a, b) => a - b),
    numbers(200),
  );
  assert.ok(most <= 3 && biggest <= 20, `${most} batches of up to ${biggest}`);
  await consumer.stop();
  assert.deepEqual(await broker.takeAll(work.queue), []);
});

test('a message is acknowledged after its batch, not before: lost with its connection it comes again', async (t) => {
  const work = broker.workQueue();
  const { batches, handle } = byHand();
  const consumer = await startConsumer<number>(t, broker, work, { handle });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1]);
  await until('it is at work', () => batches.length === 1);
  consumer.wire.cut();
  await until('it has come again', () => batches.length === 2);
  assert.deepEqual(batches[1]?.values, [1]);
  for (const { finish } of batches) finish();
  await consumer.stop();
  assert.deepEqual(await broker.takeAll(work.queue), []);
});

test('a batch that outlives its connection acknowledges nothing on the next one', async (t) => {
  const work = broker.workQueue();
  const { batches, handle } = byHand();
  const consumer = await startConsumer<number>(t, broker, work, { handle, batch: 1, lanes: 2 });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1]);
  await until('it is at work', () => batches.length === 1);
  consumer.wire.cut();
  await until('it has come again', () => batches.length === 2);
  // Its delivery tag is now the tag of its second coming, which an acknowledgement would take away.
  batches[0]?.finish();
  await broker.send(work, [2]);
  consumer.wire.cut();
  batches[1]?.finish();
  await until('both have come again', () => batches.length === 4);
  assert.deepEqual(consumer.handled.toSorted(), [1, 1, 1, 2]);
  for (const { finish } of batches) finish();
});

test('done, later and dead are put away each by itself, with the attempts counted and the reason kept', async (t) => {
  const work = broker.workQueue();
  const verdicts: Record<string, Verdict> = { good: 'done', slow: 'later', rotten: { dead: 'it smells' } };
  const handle = async (values: string[]) => values.map((value) => verdicts[value] ?? 'done');
  const consumer = await startConsumer<string>(t, broker, { ...work, retryDelaysMs: [60_000] }, { handle });
  await until('it consumes', consumer.consuming);
  await broker.send(work, ['good', 'slow', 'bad', 'rotten', 'good']);
  await until('they are handled', () => consumer.handled.length === 4);
  await consumer.stop();
  assert.deepEqual(await broker.takeAll(work.queue), []);
  const [again, ...more] = await broker.takeAll(retryQueue(work, 60_000));
  assert.deepEqual([JSON.parse(String(again?.content)), more], ['slow', []]);
  assert.equal(again?.properties.headers?.['x-attempt'], 1);
  const dead = (await broker.takeAll(deadLetterQueue(work))).map(({ content, properties }) => [
    JSON.parse(String(content)),
    properties.headers?.['x-reason'],
  ]);
  const expected = [
    ['bad', 'it says so itself'],
    ['rotten', 'it smells'],
  ];
  assert.deepEqual(dead.toSorted(), expected);
});

test('a message comes again after each step, and when there is no longer one on the longest', async (t) => {
  const work = broker.workQueue();
  const consumer = await startConsumer<number>(t, broker, work, { handle: async () => ['later'] });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1]);
  await until('it waits on the longest step', async () => (await broker.waiting(retryQueue(work, 60_000))) === 1);
  assert.equal(consumer.handled.length, 3);
  await broker.send(work, [2], { 'x-attempt': 9 });
  await until('the other waits there too', async () => (await broker.waiting(retryQueue(work, 60_000))) === 2);
  assert.deepEqual(await broker.takeAll(deadLetterQueue(work)), []);
});

test('attempts that are no number count as none', async (t) => {
  const work = broker.workQueue();
  const consumer = await startConsumer<number>(t, broker, work, {
    handle: async (values) => values.map(() => 'later'),
  });
  await until('it consumes', consumer.consuming);
  for (const attempts of ['many', -3, 1e300, null]) await broker.send(work, [1], { 'x-attempt': attempts });
  await until('all wait on the longest step', async () => (await broker.waiting(retryQueue(work, 60_000))) === 4);
});

test('a handler that throws, or returns too few verdicts, makes its messages come again', async (t) => {
  const work = broker.workQueue();
  const { batches, handle } = byHand();
  await startConsumer<number>(t, broker, work, { handle, lanes: 1 });
  await broker.declare(work);
  await broker.send(work, [1, 2]);
  await until('they are at work', () => batches.length > 0);
  batches[0]?.fail();
  const comeAgain = (value: number) => batches.slice(1).filter(({ values }) => values.includes(value)).length;
  await until('they have come again after the failure, and after too few verdicts', () => {
    for (const { finish } of batches.slice(1)) finish([]);
    return comeAgain(1) >= 2 && comeAgain(2) >= 2;
  });
  for (const { finish } of batches) finish();
});

test('without retry steps a message that could not be handled comes again, alone and on the same connection', async (t) => {
  const work = broker.workQueue();
  let failed = false;
  const verdictOf = (value: number): Verdict => {
    if (value !== 2 || failed) return 'done';
    failed = true;
    return 'later';
  };
  const handle = async (values: number[]) => values.map(verdictOf);
  const consumer = await startConsumer<number>(t, broker, work, { handle, retries: false });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1, 2, 3]);
  await until('one has come again', () => consumer.handled.length === 4);
  await consumer.stop();
  assert.deepEqual(consumer.handled.toSorted(), [1, 2, 2, 3]);
  assert.deepEqual(consumer.log.warnings, []);
  assert.deepEqual(await broker.takeAll(work.queue), []);
});

test('a thousand lanes of one message each work at once, and a verdict waits for no other', async (t) => {
  const work = broker.workQueue();
  const { batches, handle } = byHand();
  const consumer = await startConsumer<number>(t, broker, work, { handle, batch: 1, lanes: 1_000 });
  await until('it consumes', consumer.consuming);
  await broker.send(work, numbers(1_500));
  await until('a thousand are at work', () => batches.length === 1_000);
  for (const { finish } of batches.slice(500, 1_000)) finish();
  await until('as many have taken their places', () => batches.length === 1_500);
  for (const { finish } of batches) finish();
});

test('lanes may be fewer for now: what waits is taken when one of those has ended', async (t) => {
  const work = broker.workQueue();
  const { batches, handle } = byHand();
  let now = 2;
  const consumer = await startConsumer<number>(t, broker, work, { handle, batch: 1, lanes: 10, lanesNow: () => now });
  await until('it consumes', consumer.consuming);
  await broker.send(work, numbers(10));
  await until('two are at work', () => batches.length === 2);
  assert.equal(await broker.waiting(work.queue), 0);
  assert.equal(batches.length, 2);
  now = 4;
  batches[0]?.finish();
  await until('four are at work', () => batches.length === 5);
  now = 10;
  batches[1]?.finish();
  await until('all are', () => batches.length === 10);
  for (const { finish } of batches) finish();
});

test('more lanes than AMQP can count are prefetched up to its bound', async (t) => {
  const work = broker.workQueue();
  const consumer = await startConsumer<number>(t, broker, work, { batch: 1_000, lanes: 100 });
  await until('it consumes', consumer.consuming);
  await broker.send(work, [1]);
  await until('it is handled', () => consumer.handled.length === 1);
});
