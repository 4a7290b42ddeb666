// Orders as the gateway calls it: placing on a channel that never retries, asking on one that does.
import type { OrderCommand } from '@flashsale/contracts/messages';
import { OrdersServiceClient, type Order as WireOrder } from '@flashsale/contracts/orders';
import { orderStatus } from '@flashsale/contracts/wire';
import { call, connectTo, reachable, status, statusOf } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { OrderAnswer, Orders } from '../domain/ports.ts';
import { ask } from './question.ts';

export function createOrders(config: Config, log: Log): Orders & { stop(): void } {
  const placing = connectTo(OrdersServiceClient, config.ORDERS_ADDRESS, { retries: 'never' });
  const asking = connectTo(OrdersServiceClient, config.ORDERS_ADDRESS, { retries: 'idempotent' });
  const deadlineMs = config.RPC_DEADLINE_MS;
  // Connects now, not with the first buyer.
  reachable(placing);
  return {
    available: () => reachable(placing),

    async place(command) {
      try {
        const left = Math.max(1, command.decideByMs - Date.now());
        const { order } = await call(placing, placing.placeOrder, { command }, { deadlineMs: left });
        return order?.found ? fromWire(order) : 'unknown';
      } catch (error) {
        if (statusOf(error) === status.RESOURCE_EXHAUSTED) return 'shed';
        log.warn({ orderId: command.orderId, error: String(error) }, 'outcome of a direct order unknown');
        return 'unknown';
      }
    },

    async get(orderIds) {
      const { orders } = await ask(call(asking, asking.getOrders, { orderIds }, { deadlineMs }));
      return new Map(orders.filter((order) => order.found).map((order) => [order.orderId, fromWire(order)]));
    },

    async cancel(command: OrderCommand) {
      const { order } = await call(asking, asking.cancelOrder, { command }, { deadlineMs });
      return fromWire(order as WireOrder);
    },

    stop() {
      placing.close();
      asking.close();
    },
  };
}

const fromWire = (order: WireOrder): OrderAnswer => ({
  orderId: order.orderId,
  saleId: order.saleId,
  buyerId: order.buyerId,
  quantity: order.quantity,
  epoch: order.epoch,
  status: orderStatus.fromWire(order.status),
  reason: order.reason || null,
  version: order.version,
  settled: order.settled,
  amountMinor: order.currency ? order.amountMinor : null,
  currency: order.currency || null,
  decidedAtMs: order.decidedAtMs || null,
});
