// Every name in the broker, declared alike by whoever connects first.
import { type DeclareTopology, declareWorkQueue, quorum, type WorkQueue } from '@flashsale/messaging/topology';

export const ORDERS: WorkQueue = {
  exchange: 'orders',
  queue: 'orders.placed',
  retryDelaysMs: [1_000, 5_000, 30_000],
  deadLetters: 'orders.dead',
  // A bound on what may wait: beyond it the broker refuses, and so does the gateway. About 400 MB of commands.
  maxLength: 1_000_000,
};

/** Topic exchange; the routing key says what became of the order: order.confirmed, order.rejected, ... */
export const ORDER_EVENTS = 'order-events';
export const EVENT_KEY_PREFIX = 'order.';
export const SETTLE_QUEUE = 'gateway.settle';

export const declareTopology: DeclareTopology = async (channel) => {
  await declareWorkQueue(channel, ORDERS);
  await channel.assertExchange(ORDER_EVENTS, 'topic', { durable: true });
  await channel.assertQueue(SETTLE_QUEUE, quorum());
  await channel.bindQueue(SETTLE_QUEUE, ORDER_EVENTS, `${EVENT_KEY_PREFIX}*`);
};

/** One for each running gateway, gone with its connection: each hears of every order. */
export const pushQueue = (instance: string) => `gateway.push.${instance}`;

// News that nobody has read for so long is no news: everybody who waits looks for himself as well.
const MOST_NEWS = 50_000;

export const declarePush =
  (instance: string): DeclareTopology =>
  async (channel) => {
    await declareTopology(channel);
    const queue = pushQueue(instance);
    await channel.assertQueue(queue, { exclusive: true, durable: false, maxLength: MOST_NEWS });
    await channel.bindQueue(queue, ORDER_EVENTS, `${EVENT_KEY_PREFIX}*`);
  };
