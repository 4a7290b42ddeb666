// A broker of a test's own: a virtual host, work queues in it, wires to it, and the notices that a server can be made to send.
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { connect, type GetMessage } from 'amqplib';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { openBroker as openManagement } from '../../../infra/testbed/servers.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { consumeBatches } from '../src/delivery.ts';
import { createPublisher, type Publisher } from '../src/publisher.ts';
import { deadLetterQueue, declareWorkQueue, retryQueue, type WorkQueue } from '../src/topology.ts';
import type { Verdict } from '../src/verdicts.ts';

export type Broker = Awaited<ReturnType<typeof openBroker>>;
type Wire = Awaited<ReturnType<typeof layWire>>;

export async function openBroker() {
  const namespace = await openNamespace();
  const management = openManagement(namespace.id);

  /** A connection for each call: nothing that a test does to connections is in the way. */
  async function withChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const connection = await connect(namespace.amqpUrl);
    try {
      return await work(await connection.createConfirmChannel());
    } finally {
      await connection.close();
    }
  }

  return {
    url: namespace.amqpUrl,
    management,
    /** As the broker does when it restarts. */
    closeConnections: () => namespace.closeRabbitConnections(),
    /** Names of its own in each test. */
    workQueue(): WorkQueue {
      const name = `work-${randomUUID().slice(0, 8)}`;
      const limits = { retryDelaysMs: [100, 200, 60_000], maxLength: 10_000 };
      return { exchange: name, queue: `${name}.todo`, ...limits };
    },
    declare: (work: WorkQueue) => withChannel((channel) => declareWorkQueue(channel, work)),
    send: (work: WorkQueue, bodies: unknown[], headers = {}) =>
      withChannel(async (channel) => {
        for (const body of bodies)
          channel.publish(work.exchange, work.queue, Buffer.from(JSON.stringify(body)), { persistent: true, headers });
        await channel.waitForConfirms();
      }),
    /** Messages that are in no consumer's hands. */
    waiting: (queue: string) => withChannel(async (channel) => (await channel.checkQueue(queue)).messageCount),
    /** Takes the messages that no consumer holds: all that came back is ahead of a message that is sent now. */
    takeAll: (queue: string) =>
      withChannel(async (channel) => {
        const last = randomUUID();
        channel.sendToQueue(queue, Buffer.from('null'), { messageId: last });
        await channel.waitForConfirms();
        const messages: GetMessage[] = [];
        for (;;) {
          const message = await channel.get(queue, { noAck: true });
          if (message && message.properties.messageId === last) return messages;
          if (message) messages.push(message);
        }
      }),
    close: () => namespace.close(),
  };
}

type Channel = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createConfirmChannel']>>;

/** Keeps what it would have logged; `onWarn` is called at that very moment. */
export function listeningLog() {
  const warnings: string[] = [];
  const log = {
    onWarn: undefined as undefined | ((message: string) => void),
    warnings,
    info: () => undefined,
    warn(_fields: object, message: string) {
      warnings.push(message);
      log.onWarn?.(message);
    },
    error: () => undefined,
  };
  return log;
}

/** A consumer over a wire of its own, which remembers what it handled. */
export async function startConsumer<Value>(
  t: TestContext,
  broker: Broker,
  work: WorkQueue,
  options: {
    handle?: (values: Value[]) => Promise<Verdict[]>;
    batch?: number;
    lanes?: number;
    lanesNow?: () => number;
    retries?: boolean;
    publisher?: Publisher;
    wire?: Wire;
  } = {},
) {
  const wire = options.wire ?? (await layWire(broker.url));
  const [log, registry] = [listeningLog(), new Registry()];
  const handled: Value[] = [];
  const handle = options.handle ?? (async (values: Value[]) => values.map(() => 'done' as const));
  const declare = (channel: Parameters<typeof declareWorkQueue>[0]) => declareWorkQueue(channel, work);
  const publisher =
    options.publisher ?? createPublisher({ url: broker.url, name: 'retries', log: listeningLog(), registry, declare });
  const consumer = consumeBatches<Value>({
    url: wire.url,
    name: 'a consumer',
    log,
    registry,
    declare,
    queue: work.queue,
    batch: options.batch ?? 10,
    lanes: options.lanes ?? 2,
    ...(options.lanesNow && { lanesNow: options.lanesNow }),
    parse: (body) => (body === 'bad' ? { dead: 'it says so itself' } : { value: body as Value }),
    handle(values) {
      handled.push(...values);
      return handle(values);
    },
    ...(options.retries !== false && { retries: { work, publisher } }),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= consumer.stop();
    return stopped;
  };
  t.after(async () => {
    await stop();
    if (!options.publisher) await publisher.stop();
    await wire.close();
  });
  return { ...consumer, stop, wire, log, registry, handled };
}

/** A method as the server sends it: for `wire.pretend`. */
export function serverSays(channel: number, classId: number, methodId: number, ...args: Buffer[]): Buffer {
  const payload = Buffer.concat([u16(classId), u16(methodId), ...args]);
  const head = Buffer.alloc(7);
  head.writeUInt8(1, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export const shortText = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
export { deadLetterQueue, retryQueue };
