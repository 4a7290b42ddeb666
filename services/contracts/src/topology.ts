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
