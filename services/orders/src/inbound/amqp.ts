// The queues: placed orders in batches, and due payments one by one, as many at once as the bank can take.
import { OrderCommand, PaymentDue, read } from '@flashsale/contracts/messages';
import { declareTopology, ORDERS_PLACED, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { consumeBatches } from '@flashsale/messaging/delivery';
import type { Publisher } from '@flashsale/messaging/publisher';
import type { Verdict } from '@flashsale/messaging/verdicts';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import { createConcurrencyLimit } from '../domain/concurrency-limit.ts';
import { isDue } from '../domain/fulfil-order.ts';
import type { Order, Placement } from '../domain/order.ts';

/** Orders that come one by one share a batch; a small part of the half second within which they are reserved. */
const GATHER_MS = 100;
/** The bounds of an int32, as the direct path has them: a date out of range must not fail a whole batch. */
const MAX_MS = 2 ** 31 - 1;
/** At the bank or waiting for the limit; a constant, so that a change of the limit needs no request to the broker. */
const PREFETCH = 1_000;

interface UseCases {
  reserve(placements: Placement[]): Promise<Order[]>;
  pay(due: PaymentDue): Promise<Order | undefined>;
}

export function startConsumers(config: Config, useCases: UseCases, publisher: Publisher, log: Log, registry: Registry) {
  const shared = { url: config.AMQP_URL, log, registry, declare: declareTopology };
  const consumers = [
    consumeBatches<OrderCommand>({
      ...shared,
      name: 'orders: placed orders',
      queue: ORDERS_PLACED.queue,
      batch: config.BATCH,
      lanes: config.LANES,
      gatherMs: GATHER_MS,
      parse: read(OrderCommand),
      handle: (commands) => reserve(commands, useCases),
      retries: { work: ORDERS_PLACED, publisher },
    }),
    consumeBatches<PaymentDue>({
      ...shared,
      ...createPaying(useCases, log),
      name: 'orders: payments due',
      queue: PAYMENTS_DUE.queue,
      batch: 1,
      lanes: PREFETCH,
      parse: read(PaymentDue),
      retries: { work: PAYMENTS_DUE, publisher },
    }),
  ];
  return {
    unready: () => (consumers.every((consumer) => consumer.consuming()) ? [] : ['not consuming']),
    stop: () => Promise.all(consumers.map((consumer) => consumer.stop())),
  };
}

async function reserve(commands: OrderCommand[], useCases: UseCases): Promise<Verdict[]> {
  const orders = new Map((await useCases.reserve(commands.map(toPlacement))).map((order) => [order.orderId, order]));
  return commands.map(({ orderId }) => {
    const order = orders.get(orderId);
    return order && order.status !== 'placed' ? 'done' : 'later';
  });
}

const toPlacement = ({ deadlineMs, ...command }: OrderCommand): Placement => ({
  ...command,
  decideWithinMs: Math.min(MAX_MS, Math.max(0, deadlineMs - Date.now())),
});

function createPaying({ pay }: UseCases, log: Log) {
  const limit = createConcurrencyLimit(() => performance.now());

  async function isDecided(due: PaymentDue): Promise<boolean> {
    try {
      const order = await pay(due);
      return !order || !isDue(order);
    } catch (error) {
      log.error({ orderId: due.orderId, error: String(error) }, 'a payment failed');
      return false;
    }
  }

  async function verdictOf(due: PaymentDue): Promise<Verdict> {
    const decided = await isDecided(due);
    // Also when inventory did not respond: more at once would not be decided sooner.
    if (decided) limit.responded();
    else limit.timedOut();
    return decided ? 'done' : 'later';
  }

  return { lanesNow: limit.current, handle: (dues: PaymentDue[]) => Promise.all(dues.map(verdictOf)) };
}
