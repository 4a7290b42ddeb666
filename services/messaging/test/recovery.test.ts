// A connection, a channel or a consumer ends, at any moment: consuming again within 10 s, and not ready meanwhile.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { openBroker, serverSays, shortText, startConsumer, u16 } from './broker.ts';

const broker = await openBroker();
after(() => broker.close());

const WITHIN_MS = 10_000;

type Consumer = Awaited<ReturnType<typeof startConsumer<number>>>;

const faults: Record<string, (consumer: Consumer, queue: string) => unknown> = {
  'its queue is deleted': (_consumer, queue) => broker.management.deleteQueue(queue),
  'the server closes its channel': ({ wire }) =>
    wire.pretend(serverSays(1, 20, 40, u16(504), shortText('CHANNEL_ERROR'), u16(0), u16(0))),
  'an operator closes its connection': () => broker.closeConnections(),
  'its connection is reset': ({ wire }) => wire.cut(),
};

for (const [what, breakIt] of Object.entries(faults)) {
  test(`${what}: it is not consuming, and within 10 s it is again`, async (t) => {
    const work = broker.workQueue();
    const consumer = await startConsumer<number>(t, broker, work);
    assert.equal(consumer.consuming(), false);
    await until('it consumes', () => consumer.consuming());
    const broken = breakIt(consumer, work.queue);
    await until('it reports that it does not', () => !consumer.consuming());
    await until('it consumes again', () => consumer.consuming(), WITHIN_MS);
    await broken;
    await broker.send(work, [1, 2, 3]);
    await until('what is sent now arrives', () => [1, 2, 3].every((value) => consumer.handled.includes(value)));
  });
}

test('the broker is away for a while: it is not consuming, and then it is', async (t) => {
  const consumer = await startConsumer<number>(t, broker, broker.workQueue());
  await until('it consumes', () => consumer.consuming());
  consumer.wire.block(true);
  await until('it has tried in vain', () => consumer.log.warnings.includes('no connection to the broker'));
  assert.equal(consumer.consuming(), false);
  consumer.wire.block(false);
  await until('it consumes again', () => consumer.consuming(), WITHIN_MS);
});

test('its connection is reset at each step of its set-up: the next attempt succeeds', async (t) => {
  const steps = await stepsOfASetUp(t);
  assert.ok(steps >= 10, `${steps} requests make a set-up`);
  const consumers = await Promise.all(
    Array.from({ length: steps }, async (_, step) => {
      const [wire, work] = [await layWire(broker.url), broker.workQueue()];
      let requests = 0;
      wire.onRequest(() => {
        if (requests++ === step) wire.cut();
      });
      return { work, ...(await startConsumer<number>(t, broker, work, { wire })) };
    }),
  );
  for (const { consuming } of consumers) await until('it consumes', consuming, WITHIN_MS);
  await Promise.all(consumers.map(({ work }) => broker.send(work, [7])));
  for (const { handled } of consumers) await until('what is sent arrives', () => handled.includes(7));
});

async function stepsOfASetUp(t: TestContext): Promise<number> {
  const wire = await layWire(broker.url);
  let requests = 0;
  wire.onRequest(() => {
    requests += 1;
  });
  const consumer = await startConsumer(t, broker, broker.workQueue(), { wire });
  await until('it consumes', consumer.consuming);
  return requests;
}

test('its connection breaks while it closes a connection itself: it is made anew all the same', async (t) => {
  const [wire, work] = [await layWire(broker.url), broker.workQueue()];
  const consumer = await startConsumer<number>(t, broker, work, { wire });
  await until('it consumes', consumer.consuming);
  consumer.log.onWarn = (message) => {
    if (message !== 'connection to the broker lost') return;
    consumer.log.onWarn = undefined;
    // It is about to close, and no response will come.
    wire.loseResponses(true);
    wire.onRequest(() => {
      wire.onRequest();
      setImmediate(() => {
        wire.cut();
        wire.loseResponses(false);
      });
    });
  };
  await broker.management.deleteQueue(work.queue);
  await until('it has lost its queue', () => !consumer.consuming());
  await until('it consumes again', consumer.consuming, WITHIN_MS);
  await broker.send(work, [1]);
  await until('what is sent now arrives', () => consumer.handled.includes(1));
});

test('a broker that does not respond to a close is not waited for', async (t) => {
  const [wire, work] = [await layWire(broker.url), broker.workQueue()];
  const consumer = await startConsumer<number>(t, broker, work, { wire });
  await until('it consumes', consumer.consuming);
  consumer.log.onWarn = () => {
    consumer.log.onWarn = undefined;
    wire.holdResponses(true);
    wire.onRequest((bytes) => bytes.includes('AMQP') && wire.holdResponses(false));
  };
  await broker.management.deleteQueue(work.queue);
  await until('it has lost its queue', () => !consumer.consuming());
  await until('it consumes again', consumer.consuming, WITHIN_MS);
});
