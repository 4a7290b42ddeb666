// Order events: each gives its tickets back or keeps them, once, and wakes the requests that follow its order.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { OrderEvent, read } from '@flashsale/contracts/messages';
import { declarePush, declareTopology, pushQueue, RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { consumeBatches } from '@flashsale/messaging/delivery';
import type { Verdict } from '@flashsale/messaging/verdicts';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';

const ATTEMPTS = 2;
const RETRY_AFTER_MS = 500;

interface UseCases {
  applyResult(event: OrderEvent): Promise<void>;
  receiveUpdate(event: OrderEvent): void;
}

export function startConsumers(config: Config, useCases: UseCases, log: Log, registry: Registry) {
  const instance = randomUUID();
  const shared = { url: config.AMQP_URL, log, registry, batch: 200, parse: read(OrderEvent) };
  const results = consumeBatches<OrderEvent>({
    ...shared,
    name: 'gateway: results',
    declare: declareTopology,
    queue: RESULTS_QUEUE,
    lanes: 2,
    handle: (events) => Promise.all(events.map((event) => apply(event, useCases, log))),
  });
  // Every gateway receives every event, for the buyers who wait here; one that is lost is not repeated.
  const updates = consumeBatches<OrderEvent>({
    ...shared,
    name: 'gateway: order updates',
    declare: declarePush(instance),
    queue: pushQueue(instance),
    countedAs: pushQueue('*'),
    lanes: 1,
    async handle(events) {
      for (const event of events) useCases.receiveUpdate(event);
      return events.map(() => 'done');
    },
  });
  return {
    unready: () => (results.consuming() ? [] : ['not consuming']),
    stop: () => Promise.all([results.stop(), updates.stop()]),
  };
}

/** Applying a result twice is harmless; one that fails goes back to the queue, alone, for any gateway to try. */
async function apply(event: OrderEvent, { applyResult }: UseCases, log: Log): Promise<Verdict> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await applyResult(event);
      return 'done';
    } catch (error) {
      log.warn({ orderId: event.orderId, attempt, error: String(error) }, 'result not applied');
      await sleep(RETRY_AFTER_MS);
    }
  }
  return 'later';
}
