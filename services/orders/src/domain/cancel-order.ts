// An order is cancelled, if its state allows it for that reason.
import { compensate } from './compensate.ts';
import type { Order, Placement } from './order.ts';
import type { Ledger, Ports, Timeouts } from './ports.ts';

export type Cancellation =
  | { reason: 'buyer'; orderId: string; buyerId: string }
  | { reason: 'admin'; orderId: string }
  | { reason: 'given_up'; placement: Placement };

/** Returns the row, which may not be cancelled; undefined: no such order of this buyer. */
export async function cancelOrder(
  cancellation: Cancellation,
  ports: Ports,
  timeouts: Timeouts,
): Promise<Order | undefined> {
  const cancelled = await cancel(cancellation, ports.ledger);
  if (!cancelled) return find(cancellation, ports.ledger);
  // What fails here stays pending, and a background job takes it up.
  const [compensated] = await compensate([cancelled], ports, timeouts);
  return compensated ?? cancelled;
}

function cancel(cancellation: Cancellation, ledger: Ledger) {
  switch (cancellation.reason) {
    case 'buyer':
      return ledger.cancelReserved(cancellation.orderId, cancellation.buyerId);
    case 'admin':
      return ledger.cancelConfirmed(cancellation.orderId);
    case 'given_up':
      return ledger.giveUp(cancellation.placement);
  }
}

async function find(cancellation: Cancellation, ledger: Ledger): Promise<Order | undefined> {
  const orderId = cancellation.reason === 'given_up' ? cancellation.placement.orderId : cancellation.orderId;
  const [order] = await ledger.read([orderId]);
  return cancellation.reason === 'buyer' && order?.buyerId !== cancellation.buyerId ? undefined : order;
}
