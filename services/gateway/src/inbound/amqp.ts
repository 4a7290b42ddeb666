// Results of orders, as orders tells them: each gives its tickets back or keeps them, once.
import { setTimeout as sleep } from 'node:timers/promises';
import { OrderEvent, read } from '@flashsale/contracts/messages';
import { declarePush, declareTopology, pushQueue, SETTLE_QUEUE } from '@flashsale/contracts/topology';
import { type Consumer, consumeBatches } from '@flashsale/messaging/consumer';
import type { Log } from '@flashsale/runtime/log';

const ATTEMPTS = 2;
const AGAIN_AFTER_MS = 500;

export function consumeOrderEvents(options: {
  url: string;
  log: Log;
  settle: (event: OrderEvent) => Promise<void>;
}): Consumer {
  const { url, log, settle } = options;

  /** Settling twice is harmless; what a gateway without its Redis cannot settle goes back to those that can. */
  async function settleOrGiveBack(event: OrderEvent) {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        await settle(event);
        return 'done' as const;
      } catch (error) {
        log.warn({ orderId: event.orderId, attempt, error: String(error) }, 'not settled');
        await sleep(AGAIN_AFTER_MS);
      }
    }
    return 'later' as const;
  }

  return consumeBatches<OrderEvent>({
    url,
    name: 'gateway: order events',
    log,
    declare: declareTopology,
    queue: SETTLE_QUEUE,
    batch: 200,
    lanes: 2,
    parse: read(OrderEvent),
    handle: (events) => Promise.all(events.map(settleOrGiveBack)),
  });
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
