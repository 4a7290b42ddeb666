// Stage 1 on the queued path: what waits in `orders.placed`, in batches.
import { OrderCommand, read } from '@flashsale/contracts/messages';
import { declareTopology, ORDERS_PLACED } from '@flashsale/contracts/topology';
import { type Consumer, consumeBatches } from '@flashsale/messaging/delivery';
import type { Publisher } from '@flashsale/messaging/publisher';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { Order, Placement } from '../domain/order.ts';

/** Orders that come one by one share a batch; a small part of the half second within which they are reserved. */
const GATHER_MS = 100;
/** The bounds of an int32, as the direct path has them: a date out of range must not fail a whole batch. */
const MAX_MS = 2 ** 31 - 1;

export function consumePlacedOrders(options: {
  config: Config;
  log: Log;
  publisher: Publisher;
  reserve: (placements: Placement[]) => Promise<Order[]>;
}): Consumer {
  const { config, log, publisher, reserve } = options;
  return consumeBatches<OrderCommand>({
    url: config.AMQP_URL,
    name: 'orders: placed orders',
    log,
    declare: declareTopology,
    queue: ORDERS_PLACED.queue,
    batch: config.BATCH,
    lanes: config.LANES,
    gatherMs: GATHER_MS,
    parse: read(OrderCommand),
    async handle(commands) {
      const orders = new Map((await reserve(commands.map(toPlacement))).map((order) => [order.orderId, order]));
      return commands.map(({ orderId }) => {
        const order = orders.get(orderId);
        return order && order.status !== 'placed' ? 'done' : 'later';
      });
    },
    retries: { work: ORDERS_PLACED, publisher },
  });
}

const toPlacement = ({ deadlineMs, ...command }: OrderCommand): Placement => ({
  ...command,
  decideWithinMs: Math.min(MAX_MS, Math.max(0, deadlineMs - Date.now())),
});
