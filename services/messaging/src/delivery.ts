// Delivery: what waits in a queue comes in batches of a bounded size, a bounded number at once, until it is stopped.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { keepConnected } from './connection.ts';
import type { DeclareTopology } from './topology.ts';
import { createBatchHandler, type DeliveryChannel, type Handling } from './verdicts.ts';

/** A batch that takes longer goes back to the queue with its connection. */
const STOP_WAIT_MS = 8_000;
/** For each response of the broker while stopping. */
const RESPONSE_WAIT_MS = 1_000;
/** AMQP counts them in 16 bits. */
const MOST_PREFETCHED = 65_535;

export interface Consumer {
  consuming(): boolean;
  /** Takes no more, finishes the batches at work; what was delivered but not begun goes back to the queue. */
  stop(): Promise<void>;
}

interface Subscription extends DeliveryChannel {
  consumerTag: string;
  waiting: ConsumeMessage[];
  gathering: boolean;
}

interface Options<Value> extends Handling<Value> {
  url: string;
  declare: DeclareTopology;
  /** Most batches at work at once. */
  lanes: number;
  /** How long a batch that is not full waits for more messages; without it, for those of one socket read. */
  gatherMs?: number;
  /** Fewer lanes for now; what waits for one goes back to the queue with a stop. Read whenever a batch ends. */
  lanesNow?: () => number;
}

export function consumeBatches<Value>(options: Options<Value>): Consumer {
  const { batch, lanes, gatherMs = 0, lanesNow = () => lanes } = options;
  const handleBatch = createBatchHandler(options);
  const atWork = new Set<Promise<void>>();
  let current: Subscription | undefined;
  let stopping = false;

  const connection = keepConnected({
    url: options.url,
    name: options.name,
    log: options.log,
    registry: options.registry,
    async setUp(model, broken) {
      const channel = await model.createChannel();
      const subscription: Subscription = { channel, consumerTag: '', open: true, waiting: [], gathering: false };
      const lost = (why: string) => {
        // Set first: the connection is about to be closed, and from now on an acknowledgement would be an error.
        subscription.open = false;
        if (!stopping) broken(why);
      };
      channel.on('error', (error) => lost(error.message));
      channel.on('close', () => lost('channel closed'));
      await options.declare(channel);
      await channel.prefetch(Math.min(batch * lanes, MOST_PREFETCHED));
      const consumer = await channel.consume(options.queue, (message) => {
        if (!message) return lost('the server cancelled the consumer');
        subscription.waiting.push(message);
        gather(subscription);
      });
      subscription.consumerTag = consumer.consumerTag;
      current = subscription;
    },
    onLost() {
      if (current) current.open = false;
      current = undefined;
    },
  });

  /** A batch costs about the same whatever its size, and messages that come one by one would each be a batch. */
  function gather(subscription: Subscription) {
    if (subscription.waiting.length >= batch) return pump(subscription);
    if (subscription.gathering) return;
    subscription.gathering = true;
    const begin = () => {
      subscription.gathering = false;
      pump(subscription);
    };
    // Messages of one socket read arrive in one tick.
    if (gatherMs === 0) setImmediate(begin);
    else setTimeout(begin, gatherMs);
  }

  function pump(subscription: Subscription) {
    while (subscription.open && !stopping && atWork.size < lanesNow() && subscription.waiting.length > 0) {
      const work = handleBatch(subscription, subscription.waiting.splice(0, batch)).finally(() => {
        atWork.delete(work);
        if (current && current.waiting.length > 0) gather(current);
      });
      atWork.add(work);
    }
  }

  return {
    consuming: () => connection.connected,
    async stop() {
      stopping = true;
      const last = current;
      if (last?.open) await atMost(RESPONSE_WAIT_MS, last.channel.cancel(last.consumerTag));
      await atMost(STOP_WAIT_MS, Promise.all(atWork));
      if (last?.open) {
        last.open = false;
        // The channel's close goes after its acknowledgements; the connection's would overtake them.
        await atMost(RESPONSE_WAIT_MS, last.channel.close());
      }
      await connection.stop();
    },
  };
}

const atMost = (ms: number, work: Promise<unknown>) =>
  Promise.race([work.catch(() => undefined), sleep(ms, undefined, { ref: false })]);
