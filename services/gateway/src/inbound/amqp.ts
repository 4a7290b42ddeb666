// Results of orders, as orders tells them: each gives its tickets back or keeps them, once.
import { setTimeout as sleep } from 'node:timers/promises';
import { OrderEvent, read } from '@flashsale/contracts/messages';
import { declarePush, declareTopology, pushQueue, SETTLE_QUEUE } from '@flashsale/contracts/topology';
import { type Consumer, consumeBatches } from '@flashsale/messaging/consumer';
import type { Log } from '@flashsale/runtime/log';

const AGAIN_AFTER_MS = 500;

export function consumeOrderEvents(options: {
  url: string;
  log: Log;
  settle: (event: OrderEvent) => Promise<void>;
}): Consumer {
  const { url, log, settle } = options;
  let stopping = false;

  /** Settling twice is harmless, so an event that failed is simply settled again; the broker keeps it meanwhile. */
  async function settleForSure(event: OrderEvent) {
    while (!stopping) {
      try {
        await settle(event);
        return 'done' as const;
      } catch (error) {
        log.warn({ orderId: event.orderId, error: String(error) }, 'not settled, again soon');
        await sleep(AGAIN_AFTER_MS);
      }
    }
    return 'later' as const;
  }

  const consumer = consumeBatches<OrderEvent>({
    url,
    name: 'gateway: order events',
    log,
    declare: declareTopology,
    queue: SETTLE_QUEUE,
    batch: 200,
    lanes: 2,
    parse: read(OrderEvent),
    handle: (events) => Promise.all(events.map(settleForSure)),
  });
  return {
    consuming: consumer.consuming,
    async stop() {
      stopping = true;
      await consumer.stop();
    },
  };
}

/** Every gateway hears every result, for whoever waits for it here; what is lost meanwhile is not told again. */
export function hearOrderNews(options: {
  url: string;
  log: Log;
  instance: string;
  hear: (event: OrderEvent) => void;
}): Consumer {
  const { url, log, instance, hear } = options;
  return consumeBatches<OrderEvent>({
    url,
    name: 'gateway: order news',
    log,
    declare: declarePush(instance),
    queue: pushQueue(instance),
    batch: 200,
    lanes: 1,
    parse: read(OrderEvent),
    async handle(events) {
      for (const event of events) hear(event);
      return events.map(() => 'done');
    },
  });
}
