// The line: orders left for whoever works them off.
import { declareTopology, ORDERS } from '@flashsale/contracts/topology';
import { createPublisher } from '@flashsale/messaging/publisher';
import { retryQueue } from '@flashsale/messaging/topology';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { OrderQueue } from '../domain/ports.ts';

export function createOrderQueue(config: Config, log: Log): OrderQueue & { stop(): Promise<void> } {
  const publisher = createPublisher({
    url: config.AMQP_URL,
    name: 'gateway: orders',
    log,
    declare: declareTopology,
    confirmTimeoutMs: config.CONFIRM_TIMEOUT_MS,
  });
  const queues = [ORDERS.queue, ...ORDERS.retryDelaysMs.map((delayMs) => retryQueue(ORDERS, delayMs))];
  return {
    available: publisher.available,
    publish: (command) => publisher.publish(ORDERS.exchange, ORDERS.queue, { id: command.orderId, body: command }),
    async waiting() {
      const counts = await Promise.all(queues.map((queue) => publisher.waiting(queue)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    stop: publisher.stop,
  };
}
