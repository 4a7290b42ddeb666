// What must follow a decision that was made while others may have been at work: no charge stays, then no unit stays.
import type { Order, Patience, Ports } from './order.ts';

/** Closed is what both neighbours answered for; the rest stays open and is taken up again. */
export async function closeOrders(orders: Order[], { ledger, inventory, payment }: Ports, patience: Patience) {
  if (orders.length === 0) return;
  const voided = await payment.void(orders, patience.callMs());
  const uncharged = orders.filter((order) => voided.has(order.orderId));
  if (uncharged.length === 0) return;
  const released = await inventory.release(uncharged, patience.callMs());
  // Only now, with the unit back, may anybody hear that the order ended: a ticket comes back after its unit.
  await ledger.close(uncharged.filter((order) => released.has(order.orderId)).map((order) => order.orderId));
}
