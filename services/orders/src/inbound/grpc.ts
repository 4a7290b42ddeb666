// The calls: direct orders, payments and cancellations, and reading.
import { BuyerId, batch, Id, orderStatus, refund } from '@flashsale/contracts/fields';
import { OrderCommand } from '@flashsale/contracts/messages';
import {
  type CancelOrderRequest,
  type CancelOrderResponse,
  CancelReason,
  type GetOrdersRequest,
  type GetOrdersResponse,
  OrdersServiceService,
  type PayOrderRequest,
  type PayOrderResponse,
  type PlaceOrderRequest,
  type PlaceOrderResponse,
  Order as WireOrder,
} from '@flashsale/contracts/orders';
import { ordersProto, protoFolder } from '@flashsale/contracts/proto';
import { type Caller, RpcError, read, status } from '@flashsale/rpc/handlers';
import { startRpcServer } from '@flashsale/rpc/server';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Cancellation } from '../domain/cancel-order.ts';
import { isFinal, type Order, type Placement } from '../domain/order.ts';
import type { PaymentRequest } from '../domain/request-payment.ts';

const Command = OrderCommand.omit({ deadlineMs: true }).extend({ decideWithinMs: z.int32() });
const PlaceRequest = z.object({ command: Command });
const OrderIds = z.object({ orderIds: batch(Id).min(1) });
const PaymentOf = z.object({ orderId: Id, buyerId: BuyerId });
const CancelRequest = z.discriminatedUnion('reason', [
  PaymentOf.extend({ reason: z.literal(CancelReason.BUYER) }).transform((of) => ({ ...of, reason: 'buyer' as const })),
  z
    .object({ orderId: Id, reason: z.literal(CancelReason.ADMIN) })
    .transform(({ orderId }) => ({ orderId, reason: 'admin' as const })),
  PlaceRequest.extend({ reason: z.literal(CancelReason.GIVEN_UP) }).transform(({ command }) => ({
    placement: command,
    reason: 'given_up' as const,
  })),
]);

interface UseCases {
  place(placement: Placement, caller: Caller): Promise<Order>;
  requestPayment(payment: PaymentRequest, caller: Caller): Promise<Order | undefined>;
  cancel(cancellation: Cancellation): Promise<Order | undefined>;
  read(orderIds: string[]): Promise<Order[]>;
}

export function startRpc(config: Config, useCases: UseCases, log: Log, registry: Registry) {
  const service = { service: OrdersServiceService, handlers: createHandlers(config, useCases) };
  const server = { host: config.HOST, port: config.GRPC_PORT, log, registry };
  return startRpcServer({ ...server, ...service, protoFolder, protoFile: ordersProto });
}

function createHandlers(config: Config, useCases: UseCases) {
  let inFlight = 0;

  return {
    async placeOrder(request: PlaceOrderRequest, caller: Caller): Promise<PlaceOrderResponse> {
      const { command } = read(PlaceRequest, request);
      if (inFlight >= config.MAX_DIRECT_IN_FLIGHT)
        throw new RpcError(status.RESOURCE_EXHAUSTED, 'too many direct orders at once', { shed: '1' });
      inFlight += 1;
      try {
        return { order: toWire(await useCases.place(command, caller)) };
      } finally {
        inFlight -= 1;
      }
    },

    async getOrders(request: GetOrdersRequest): Promise<GetOrdersResponse> {
      const { orderIds } = read(OrderIds, request);
      const orders = new Map((await useCases.read(orderIds)).map((order) => [order.orderId, toWire(order)]));
      return { orders: orderIds.map((orderId) => orders.get(orderId) ?? { ...ABSENT, orderId }) };
    },

    async payOrder(request: PayOrderRequest, caller: Caller): Promise<PayOrderResponse> {
      return { order: found(await useCases.requestPayment(read(PaymentOf, request), caller)) };
    },

    async cancelOrder(request: CancelOrderRequest): Promise<CancelOrderResponse> {
      return { order: found(await useCases.cancel(read(CancelRequest, request))) };
    },
  };
}

function found(order: Order | undefined): WireOrder {
  if (!order) throw new RpcError(status.NOT_FOUND, 'no such order of this buyer');
  return toWire(order);
}

/** Each field as it is when it is not sent. */
const ABSENT = WireOrder.decode(new Uint8Array());

function toWire(order: Order): WireOrder {
  const { amount, reason, decidedAtMs, compensationPending: _, mode: __, ...fields } = order;
  return {
    ...fields,
    found: true,
    status: orderStatus.toWire(order.status),
    reason: reason ?? '',
    final: isFinal(order),
    amount: amount ?? undefined,
    decidedAtMs: decidedAtMs ?? 0,
    refund: refund.toWire(order.refund),
  };
}
