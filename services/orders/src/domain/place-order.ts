// The direct path: the same two stages, one after the other, while the caller waits.
import { isDue, type Order, type Placement } from './order.ts';
import { payOrder } from './pay-order.ts';
import type { Ports, Timeouts } from './ports.ts';
import { reserveOrders } from './reserve-orders.ts';

/** `isWaiting`: the caller is there and its deadline has not passed. */
export async function placeOrder(
  placement: Placement,
  ports: Ports,
  timeouts: Timeouts,
  isWaiting: () => boolean,
): Promise<Order> {
  const [order] = (await reserveOrders([placement], ports, timeouts)) as [Order];
  // Dropped work is not undone: only a decision undoes, and the order's deadline will make it.
  if (!isDue(order) || !isWaiting()) return order;
  return payOrder(order, ports, timeouts);
}
