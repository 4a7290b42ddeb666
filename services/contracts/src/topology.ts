// Every name in the broker, declared alike by each service that connects first.
import { type DeclareTopology, declareWorkQueue, quorum, type WorkQueue } from '@flashsale/messaging/topology';

const RETRY_DELAYS_MS = [1_000, 5_000, 30_000];
// A bound on what may wait: beyond it the broker refuses, and so does the gateway. About 400 MB of commands.
const MAX_LENGTH = 1_000_000;

const workQueue = (queue: string): WorkQueue => ({
  exchange: 'orders',
  queue,
  retryDelaysMs: RETRY_DELAYS_MS,
  maxLength: MAX_LENGTH,
});

/** Paced by the database. */
export const ORDERS_PLACED = workQueue('orders.placed');
/** Paced by the bank. */
export const PAYMENTS_DUE = workQueue('payments.due');

/** Topic exchange; the routing key names the status: order.reserved, order.confirmed, order.rejected, ... */
export const ORDER_EVENTS = 'order-events';
export const EVENT_KEY_PREFIX = 'order.';
export const RESULTS_QUEUE = 'gateway.results';

export const declareTopology: DeclareTopology = async (channel) => {
  await declareWorkQueue(channel, ORDERS_PLACED);
  await declareWorkQueue(channel, PAYMENTS_DUE);
  await channel.assertExchange(ORDER_EVENTS, 'topic', { durable: true });
  await channel.assertQueue(RESULTS_QUEUE, quorum());
  await channel.bindQueue(RESULTS_QUEUE, ORDER_EVENTS, `${EVENT_KEY_PREFIX}*`);
};

/** One for each running gateway, gone with its connection: each receives the events of every order. */
export const pushQueue = (instance: string) => `gateway.push.${instance}`;

// Bounded: old notifications may be dropped, because every waiter also polls.
const MAX_PUSHED = 50_000;

export const declarePush =
  (instance: string): DeclareTopology =>
  async (channel) => {
    await declareTopology(channel);
    const queue = pushQueue(instance);
    await channel.assertQueue(queue, { exclusive: true, durable: false, maxLength: MAX_PUSHED });
    await channel.bindQueue(queue, ORDER_EVENTS, `${EVENT_KEY_PREFIX}*`);
  };
