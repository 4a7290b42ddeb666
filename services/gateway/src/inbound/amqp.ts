// Results of orders, as orders publishes them: each gives its tickets back or keeps them, once.
import { setTimeout as sleep } from 'node:timers/promises';
import { OrderEvent, read } from '@flashsale/contracts/messages';
import { declarePush, declareTopology, pushQueue, RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { type Consumer, consumeBatches } from '@flashsale/messaging/delivery';
import type { Log } from '@flashsale/runtime/log';

const ATTEMPTS = 2;
const RETRY_AFTER_MS = 500;

export function consumeResults(options: {
  url: string;
  log: Log;
  apply: (event: OrderEvent) => Promise<void>;
}): Consumer {
  const { url, log, apply } = options;

  /** Applying a result twice is harmless; one that fails goes back to the queue, alone, for any gateway to try. */
  async function applyOrGiveBack(event: OrderEvent) {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        await apply(event);
        return 'done' as const;
      } catch (error) {
        log.warn({ orderId: event.orderId, attempt, error: String(error) }, 'result not applied');
        await sleep(RETRY_AFTER_MS);
      }
    }
    return 'later' as const;
  }

  return consumeBatches<OrderEvent>({
    url,
    name: 'gateway: results',
    log,
    declare: declareTopology,
    queue: RESULTS_QUEUE,
    batch: 200,
    lanes: 2,
    parse: read(OrderEvent),
    handle: (events) => Promise.all(events.map(applyOrGiveBack)),
  });
}

/** Every gateway receives every event, for the buyers who wait here; one that is lost is not repeated. */
export function consumeOrderUpdates(options: {
  url: string;
  log: Log;
  instance: string;
  push: (event: OrderEvent) => void;
}): Consumer {
  const { url, log, instance, push } = options;
  return consumeBatches<OrderEvent>({
    url,
    name: 'gateway: order updates',
    log,
    declare: declarePush(instance),
    queue: pushQueue(instance),
    batch: 200,
    lanes: 1,
    parse: read(OrderEvent),
    async handle(events) {
      for (const event of events) push(event);
      return events.map(() => 'done');
    },
  });
}
