// The queue of placed orders, for the workers of orders.
import { setTimeout as sleep } from 'node:timers/promises';
import { declareTopology, ORDERS_PLACED } from '@flashsale/contracts/topology';
import { createPublisher } from '@flashsale/messaging/publisher';
import { retryQueue } from '@flashsale/messaging/topology';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import type { OrderQueue } from '../domain/ports.ts';

/** Below a second, so that two checks a second apart are two counts. */
const SHARED_FOR_MS = 900;
const COUNT_TIMEOUT_MS = 2_000;

export function createOrderQueue(config: Config, log: Log, registry: Registry): OrderQueue & { stop(): Promise<void> } {
  const publisher = createPublisher({
    url: config.AMQP_URL,
    name: 'gateway: orders',
    log,
    registry,
    declare: declareTopology,
    confirmTimeoutMs: config.CONFIRM_TIMEOUT_MS,
  });
  const { exchange, queue, retryDelaysMs } = ORDERS_PLACED;
  const queues = [queue, ...retryDelaysMs.map((delayMs) => retryQueue(ORDERS_PLACED, delayMs))];
  let counted: { atMs: number; count: Promise<number> } | undefined;

  async function count() {
    const silent = sleep(COUNT_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Error('the broker does not respond');
    });
    const counts = await Promise.race([Promise.all(queues.map((each) => publisher.waiting(each))), silent]);
    return counts.reduce((sum, each) => sum + each, 0);
  }

  return {
    available: publisher.available,
    publish: (command) => publisher.publish(exchange, queue, { id: command.orderId, body: command }),
    async waiting() {
      if (!counted || performance.now() - counted.atMs > SHARED_FOR_MS)
        counted = { atMs: performance.now(), count: count() };
      return counted.count;
    },
    stop: publisher.stop,
  };
}
