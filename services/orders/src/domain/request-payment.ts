// A buyer pays a hold: the request is one statement, and what follows is stage 2.
import { payOrder } from './fulfil-order.ts';
import { isFinal, type Order } from './order.ts';
import type { Ports, Timeouts } from './ports.ts';

export interface PaymentRequest {
  orderId: string;
  buyerId: string;
}

/** Reads the row again a little later, together with what others wait for. */
export type ReadLater = (orderId: string) => Promise<Order | undefined>;

/** Undefined: no such order of this buyer. `isWaiting`: there is time to read the row once more. */
export async function requestPayment(
  { orderId, buyerId }: PaymentRequest,
  ports: Ports,
  timeouts: Timeouts,
  { isWaiting, readLater }: { isWaiting(): boolean; readLater: ReadLater },
): Promise<Order | undefined> {
  const requested = await ports.ledger.requestPayment(orderId, buyerId);
  if (requested?.mode === 'direct') return payOrder(requested, ports, timeouts);
  if (requested) return requested;

  let [order] = await ports.ledger.read([orderId]);
  if (order?.buyerId !== buyerId) return undefined;
  // Requested before, so only waited for: a second payment is never begun.
  while (order?.payRequested && !isFinal(order) && isWaiting()) order = await readLater(orderId);
  return order;
}
