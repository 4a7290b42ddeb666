// Ending an order: a hold by its buyer before it is paid, a confirmed order by an admin, who owes the money then.
import { awaitsPayment, type FoundOrder, isFinal, type OrderRef, viewOf } from './order-view.ts';
import type { Order, Orders, OrderView, OrderViews } from './ports.ts';

export type CancelOutcome =
  | { kind: 'cancelled' | 'ended' | 'not-confirmed'; order: OrderView }
  | { kind: 'unknown'; order?: OrderView }
  | { kind: 'payment-under-way' | 'not-reserved' | 'not-found' | 'busy' };

export interface CancelPorts {
  orders: Orders;
  views: OrderViews;
  findOrder: (ref: OrderRef) => Promise<FoundOrder | undefined>;
  warn: (orderId: string, error: unknown) => void;
}

export async function cancelOrder(ref: OrderRef, ports: CancelPorts): Promise<CancelOutcome> {
  const order = await ports.findOrder(ref);
  if (!order) return { kind: 'not-found' };
  if (isFinal(order)) return ended(order);
  if (!ports.orders.available()) return { kind: 'busy' };
  const now = await shown(ports.orders.cancel(order), ports);
  if (now === 'unknown') return { kind: 'unknown', order };
  if (!now || now.status === 'queued') return { kind: 'not-reserved' };
  if (isFinal(now)) return ended(now);
  return awaitsPayment(now) ? { kind: 'unknown', order: now } : { kind: 'payment-under-way' };
}

export async function cancelConfirmed(orderId: string, ports: CancelPorts): Promise<CancelOutcome> {
  if (!ports.orders.available()) return { kind: 'busy' };
  const now = await shown(ports.orders.cancelConfirmed(orderId), ports);
  if (now === 'unknown') return { kind: 'unknown' };
  if (!now) return { kind: 'not-found' };
  return { kind: now.status === 'cancelled' ? 'cancelled' : 'not-confirmed', order: now };
}

const ended = (order: OrderView): CancelOutcome => ({
  kind: order.status === 'cancelled' ? 'cancelled' : 'ended',
  order,
});

async function shown(cancelling: Promise<Order | 'unknown' | undefined>, { views, warn }: CancelPorts) {
  const order = await cancelling;
  if (!order || order === 'unknown') return order;
  const view = viewOf(order);
  views.show(view).catch((error) => warn(view.orderId, error));
  return view;
}
