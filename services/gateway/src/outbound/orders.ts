// Orders as the gateway calls it: placing on a channel that never retries, everything else on one that does.
import { cancelReason, orderStatus, refund } from '@flashsale/contracts/fields';
import { type OrderCommand, reasonFromWire } from '@flashsale/contracts/messages';
import { OrdersServiceClient, type Order as WireOrder } from '@flashsale/contracts/orders';
import { call, connectTo, reachable, status, statusOf, trailerOf } from '@flashsale/rpc/client';
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import type { Clock, Order, Orders } from '../domain/ports.ts';
import { outcomeOf, query } from './calls.ts';

/** Reads that come within this time share one call, so that many readers do not cost a call each. */
const GATHER_MS = 5;

export function createOrders(config: Config, clock: Clock, log: Log, registry: Registry): Orders & { stop(): void } {
  const placing = connectTo(OrdersServiceClient, config.ORDERS_ADDRESS, { retries: 'never', registry });
  const repeatable = connectTo(OrdersServiceClient, config.ORDERS_ADDRESS, { retries: 'idempotent', registry });
  const deadlineMs = config.RPC_DEADLINE_MS;
  // Connects now, not with the first buyer.
  reachable(placing);

  /** Clocks may differ: the wire carries how long an order still has, not until when. */
  const toWire = ({ deadlineMs, ...command }: OrderCommand) => {
    const leftMs = Math.round(deadlineMs - (clock.nowMs() ?? Date.now()));
    return { ...command, decideWithinMs: Math.max(1, leftMs) };
  };

  const getOne = groupCommit<string, Order | undefined>(GATHER_MS, async (orderIds) => {
    const response = await query(
      call(repeatable, repeatable.getOrders, { orderIds: [...new Set(orderIds)] }, { deadlineMs }),
    );
    const found = new Map(
      response.orders.filter(({ found }) => found).map((order) => [order.orderId, fromWire(order)]),
    );
    return (orderId) => found.get(orderId);
  });

  return {
    available: () => reachable(placing),

    async place(order) {
      const command = toWire(order);
      try {
        const placed = await call(placing, placing.placeOrder, { command }, { deadlineMs: command.decideWithinMs });
        return placed.order?.found ? fromWire(placed.order) : 'unknown';
      } catch (error) {
        // A proxy or the library may say RESOURCE_EXHAUSTED of a call that was delivered; the trailer is orders' own.
        if (statusOf(error) === status.RESOURCE_EXHAUSTED && trailerOf(error, 'shed')) return 'shed';
        log.warn({ orderId: command.orderId, error: String(error) }, 'outcome of a direct order unknown');
        return 'unknown';
      }
    },

    async get(orderIds) {
      const found = await Promise.all(orderIds.map(getOne));
      return new Map(found.flatMap((order) => (order ? [[order.orderId, order] as const] : [])));
    },

    async pay({ orderId, buyerId }) {
      const paying = call(
        repeatable,
        repeatable.payOrder,
        { orderId, buyerId },
        { deadlineMs: config.DIRECT_DEADLINE_MS },
      );
      return outcomeOf(paying.then(toOrder));
    },

    async cancel({ orderId, buyerId }) {
      const request = { reason: cancelReason.toWire('buyer'), orderId, buyerId, command: undefined };
      return outcomeOf(call(repeatable, repeatable.cancelOrder, request, { deadlineMs }).then(toOrder));
    },

    async cancelConfirmed(orderId) {
      const request = { reason: cancelReason.toWire('admin'), orderId, buyerId: '', command: undefined };
      return outcomeOf(call(repeatable, repeatable.cancelOrder, request, { deadlineMs }).then(toOrder));
    },

    async giveUp(order) {
      const { orderId, buyerId } = order;
      const request = { reason: cancelReason.toWire('given_up'), orderId, buyerId, command: toWire(order) };
      return toOrder(await query(call(repeatable, repeatable.cancelOrder, request, { deadlineMs })));
    },

    stop() {
      placing.close();
      repeatable.close();
    },
  };
}

const toOrder = ({ order }: { order?: WireOrder | undefined }) => fromWire(order as WireOrder);

const fromWire = ({ found: _, ...order }: WireOrder): Order => ({
  ...order,
  status: orderStatus.fromWire(order.status),
  reason: reasonFromWire(order.reason),
  amount: order.amount ?? null,
  refund: refund.fromWire(order.refund),
  decidedAtMs: order.decidedAtMs || null,
});
