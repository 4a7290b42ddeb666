// The call's door: one order, and whoever asks about orders.
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
import { type Caller, RpcError, status } from '@flashsale/rpc/server';
import { z } from 'zod';
import { isSettled, type Ledger, type Order, type Patience } from '../domain/order.ts';

const OrderIds = z.array(z.uuid()).min(1).max(1_000);

export function ordersHandlers(options: {
  fulfil: (commands: OrderCommand[], patience: Patience) => Promise<Order[]>;
  ledger: Ledger;
  maxInFlight: number;
}) {
  const { fulfil, ledger, maxInFlight } = options;
  let inFlight = 0;

  return {
    async placeOrder({ command }: PlaceOrderRequest, caller: Caller): Promise<PlaceOrderResponse> {
      const valid = check(OrderCommand, command);
      if (inFlight >= maxInFlight) throw new RpcError(status.RESOURCE_EXHAUSTED, 'too many orders at work');
      inFlight += 1;
      try {
        const [order] = await fulfil([valid], untilDeadline(caller));
        return { order: toWire(order as Order) };
      } finally {
        inFlight -= 1;
      }
    },

    async getOrders({ orderIds }: GetOrdersRequest): Promise<GetOrdersResponse> {
      const orders = new Map((await ledger.read(check(OrderIds, orderIds))).map((order) => [order.orderId, order]));
      return { orders: orderIds.map((orderId) => toWire(orders.get(orderId) ?? { orderId })) };
    },

    async cancelOrder({ command }: CancelOrderRequest): Promise<CancelOrderResponse> {
      return { order: toWire(await ledger.cancelUnknown(check(OrderCommand, command))) };
    },
  };
}

/** The caller waits for everything, so everything ends with the caller's deadline. */
function untilDeadline(caller: Caller): Patience {
  const left = () => Math.max(1, caller.deadlineMs - Date.now());
  return { callMs: left, chargeMs: left, wanted: () => !caller.gone() && caller.deadlineMs > Date.now() };
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
  throw new RpcError(status.INVALID_ARGUMENT, wrong.join('; '));
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
