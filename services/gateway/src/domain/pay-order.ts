// Paying for a hold: the payment is requested once, however often the buyer sends the request.

import type { Catalogue } from './catalogue.ts';
import type { Breaker, ConcurrencyLimit } from './limits.ts';
import { awaitsPayment, type FoundOrder, isFinal, type OrderRef, viewOf } from './order-view.ts';
import type { Gate, Orders, OrderView, OrderViews } from './ports.ts';
import type { WaitingEstimate } from './queue-progress.ts';
import type { Sale } from './sale.ts';

export type PayOutcome =
  /** In a queued sale: the payment waits for its turn. */
  | { kind: 'requested'; order: OrderView; waitMs?: number | undefined }
  | { kind: 'confirmed' | 'declined' | 'ended'; order: OrderView }
  | { kind: 'unknown'; order: OrderView }
  | { kind: 'not-reserved' | 'not-a-hold' | 'not-found' | 'busy' };

export interface PayPorts {
  gate: Gate;
  orders: Orders;
  views: OrderViews;
  catalogue: Catalogue;
  estimate: WaitingEstimate;
  limits: { direct: ConcurrencyLimit };
  breakers: { direct: Breaker };
  findOrder: (ref: OrderRef) => Promise<FoundOrder | undefined>;
  warn: (orderId: string, error: unknown) => void;
}

export async function payOrder(ref: OrderRef, ports: PayPorts): Promise<PayOutcome> {
  const order = await ports.findOrder(ref);
  if (!order) return { kind: 'not-found' };
  // An id that nothing knows is believed to wait.
  const sale = order.saleId ? await ports.catalogue.find(order.saleId) : undefined;
  if (!sale) return { kind: 'not-reserved' };
  if (sale.checkout === 'instant') return { kind: 'not-a-hold' };
  if (isFinal(order)) return ended(order);
  if (sale.mode === 'direct') return withinLimit(ports, () => pay(sale, order, ports));
  if (order.payRequested) return { kind: 'requested', order, waitMs: order.waiting?.waitMs ?? undefined };
  return ports.orders.available() ? pay(sale, order, ports) : { kind: 'busy' };
}

async function pay(sale: Sale, order: OrderView, ports: PayPorts): Promise<PayOutcome> {
  const paid = await ports.orders.pay(order);
  if (paid === 'unknown') return { kind: 'unknown', order };
  if (!paid) return { kind: 'not-reserved' };
  const now = viewOf(paid);
  ports.views.show(now).catch((error) => ports.warn(now.orderId, error));
  if (isFinal(now)) return ended(now);
  if (now.status === 'queued') return { kind: 'not-reserved' };
  if (sale.mode === 'direct' || awaitsPayment(now)) return { kind: 'unknown', order: now };
  ports.gate.joinWaiting(now).catch((error) => ports.warn(now.orderId, error));
  return { kind: 'requested', order: now, waitMs: ports.estimate.waitMs(sale.id) };
}

/** A direct payment holds a call for as long as the bank takes, like a direct order. */
async function withinLimit(
  { orders, limits, breakers }: PayPorts,
  work: () => Promise<PayOutcome>,
): Promise<PayOutcome> {
  if (!orders.available() || !breakers.direct.closed() || !limits.direct.enter()) return { kind: 'busy' };
  try {
    return await work();
  } finally {
    limits.direct.leave();
  }
}

function ended(order: OrderView): PayOutcome {
  if (order.status === 'confirmed') return { kind: 'confirmed', order };
  return { kind: order.reason === 'declined' ? 'declined' : 'ended', order };
}
