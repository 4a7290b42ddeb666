// What can become of a click.
import { isFinal, type OrderView } from './order-view.ts';

export type PlaceAnswer =
  | { kind: 'queued'; orderId: string }
  | { kind: 'confirmed'; order: OrderView }
  | { kind: 'rejected'; order: OrderView }
  | { kind: 'unknown'; orderId: string }
  | { kind: 'already-bought'; orderId: string }
  /** The idempotency key came before, with another body. */
  | { kind: 'key-reused'; orderId: string }
  | { kind: 'limit' | 'sold-out' | 'not-open' | 'closed' | 'busy' };

export type EarlyRefusal = 'sold-out' | 'closed' | 'busy';

/** Undefined while the order has no result. */
export function resultOf(order: OrderView): PlaceAnswer | undefined {
  if (!isFinal(order)) return undefined;
  return { kind: order.status === 'confirmed' ? 'confirmed' : 'rejected', order };
}
