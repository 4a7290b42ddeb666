// The queue's door: what is waiting, in batches. Nobody is on the line, so it may wait for the bank.
import { OrderCommand, read } from '@flashsale/contracts/messages';
import { declareTopology, ORDERS } from '@flashsale/contracts/topology';
import { type Consumer, consumeBatches } from '@flashsale/messaging/consumer';
import type { Publisher } from '@flashsale/messaging/publisher';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import { isUndecided, type Order } from '../domain/order.ts';

export function consumePlacedOrders(options: {
  config: Config;
  log: Log;
  publisher: Publisher;
  fulfil: (commands: OrderCommand[]) => Promise<Order[]>;
}): Consumer {
  const { config, log, publisher, fulfil } = options;
  return consumeBatches<OrderCommand>({
    url: config.AMQP_URL,
    name: 'orders: placed orders',
    log,
    declare: declareTopology,
    queue: ORDERS.queue,
    batch: config.BATCH,
    lanes: config.LANES,
    parse: read(OrderCommand),
    async handle(commands) {
      const orders = new Map((await fulfil(commands)).map((order) => [order.orderId, order]));
      return commands.map(({ orderId }) => {
        const order = orders.get(orderId);
        return order && !isUndecided(order) ? 'done' : 'later';
      });
    },
    retries: { work: ORDERS, publisher },
  });
}
