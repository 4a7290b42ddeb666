// The calls of orders in short, for tests: words instead of the wire's enums.
import { orderStatus, refund } from '@flashsale/contracts/fields';
import type { OrderCommand } from '@flashsale/contracts/messages';
import {
  type CancelOrderRequest,
  CancelReason,
  type Order,
  type OrdersServiceClient,
} from '@flashsale/contracts/orders';
import { call } from '@flashsale/rpc/client';

type OfBuyer = Pick<OrderCommand, 'orderId' | 'buyerId'>;

export function callsOf(client: OrdersServiceClient) {
  const cancel = async (request: Partial<CancelOrderRequest> & Pick<CancelOrderRequest, 'reason'>) =>
    words((await call(client, client.cancelOrder, { ...NOTHING, ...request }, { deadlineMs: 60_000 })).order);
  return {
    /** On the direct path. */
    place: async (order: OrderCommand, deadlineMs = 60_000) =>
      words((await call(client, client.placeOrder, { command: asCommand(order) }, { deadlineMs })).order),
    pay: async ({ orderId, buyerId }: OfBuyer, deadlineMs = 60_000) =>
      words((await call(client, client.payOrder, { orderId, buyerId }, { deadlineMs })).order),
    get: async (...orderIds: string[]) =>
      (await call(client, client.getOrders, { orderIds }, { deadlineMs: 60_000 })).orders.map(words),
    cancel: ({ orderId, buyerId }: OfBuyer) => cancel({ reason: CancelReason.BUYER, orderId, buyerId }),
    cancelAsAdmin: (orderId: string) => cancel({ reason: CancelReason.ADMIN, orderId }),
    giveUp: (order: OrderCommand) => cancel({ reason: CancelReason.GIVEN_UP, command: asCommand(order) }),
  };
}

const NOTHING = { orderId: '', buyerId: '', command: undefined };

/** Sends the remaining time; a direct order is one, whatever the test's `anOrder` says. */
export const asCommand = ({ deadlineMs, mode, ...order }: OrderCommand) => ({
  ...order,
  mode: mode === 'queued' ? 'direct' : mode,
  decideWithinMs: Math.max(0, deadlineMs - Date.now()),
});

function words(order: Order | undefined) {
  if (!order?.found) return { ...order, status: 'not found' };
  return { ...order, status: orderStatus.fromWire(order.status), refund: refund.fromWire(order.refund) };
}
