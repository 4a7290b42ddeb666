// The call's door: one order, and whoever asks about orders.
import { batch, Id } from '@flashsale/contracts/fields';
import { OrderCommand } from '@flashsale/contracts/messages';
import type {
  CancelOrderRequest,
  CancelOrderResponse,
  GetOrdersRequest,
  GetOrdersResponse,
  PlaceOrderRequest,
  PlaceOrderResponse,
  Order as WireOrder,
} from '@flashsale/contracts/orders';
import { OrderStatus } from '@flashsale/contracts/orders';
import { orderStatus } from '@flashsale/contracts/wire';
import { read } from '@flashsale/rpc/request';
import { type Caller, RpcError, status } from '@flashsale/rpc/server';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { isSettled, type Ledger, type Order, type Patience } from '../domain/order.ts';

const Command = z.object({ command: OrderCommand });
const OrderIds = z.object({ orderIds: batch(Id).min(1) });

export function ordersHandlers(options: {
  config: Config;
  ledger: Ledger;
  fulfil: (commands: OrderCommand[], patience: Patience) => Promise<Order[]>;
}) {
  const { config, ledger, fulfil } = options;
  let inFlight = 0;

  return {
    async placeOrder(request: PlaceOrderRequest, caller: Caller): Promise<PlaceOrderResponse> {
      const { command } = read(Command, request);
      if (inFlight >= config.MAX_DIRECT_IN_FLIGHT)
        throw new RpcError(status.RESOURCE_EXHAUSTED, 'too many orders at work');
      inFlight += 1;
      try {
        const [order] = await fulfil([command], untilDeadline(caller, command.decideByMs));
        return { order: toWire(order as Order) };
      } finally {
        inFlight -= 1;
      }
    },

    async getOrders(request: GetOrdersRequest): Promise<GetOrdersResponse> {
      const { orderIds } = read(OrderIds, request);
      const orders = new Map((await ledger.read(orderIds)).map((order) => [order.orderId, order]));
      return { orders: orderIds.map((orderId) => toWire(orders.get(orderId) ?? { orderId })) };
    },

    async cancelOrder(request: CancelOrderRequest): Promise<CancelOrderResponse> {
      const { command } = read(Command, request);
      return { order: toWire(await ledger.cancelUnknown(command)) };
    },
  };
}

/** The caller waits for everything, so everything ends with the caller's deadline, or when the order is closed. */
function untilDeadline(caller: Caller, decideByMs: number): Patience {
  const deadlineMs = Math.min(caller.deadlineMs, decideByMs);
  const left = () => Math.max(1, deadlineMs - Date.now());
  return { callMs: left, chargeMs: left, wanted: () => !caller.gone() && deadlineMs > Date.now() };
}

function toWire(order: Order | { orderId: string }): WireOrder {
  const found = 'status' in order;
  return {
    orderId: order.orderId,
    found,
    saleId: found ? order.saleId : '',
    buyerId: found ? order.buyerId : '',
    quantity: found ? order.quantity : 0,
    epoch: found ? order.epoch : 0,
    status: found ? orderStatus.toWire(order.status) : OrderStatus.UNSPECIFIED,
    reason: (found && order.reason) || '',
    version: found ? order.version : 0,
    settled: found && isSettled(order),
    amountMinor: (found && order.amount?.amountMinor) || 0,
    currency: (found && order.amount?.currency) || '',
    decidedAtMs: (found && order.decidedAtMs) || 0,
  };
}
