// The outcomes of a click, and which of them a result is.
import { isFinal } from './order-view.ts';
import type { Gate, OrderView } from './ports.ts';
import type { Sale } from './sale.ts';

export type PlaceOutcome =
  | { kind: 'queued'; orderId: string; waitMs?: number | undefined }
  | { kind: 'reserved' | 'confirmed' | 'declined' | 'rejected'; order: OrderView }
  /** `epoch`: of the gate that admitted it, as far as it is known; 0 when it is not. */
  | { kind: 'unknown'; orderId: string; epoch: number }
  /** `orderId`: of the buyer's live order, unless the gate is unavailable just now. */
  | { kind: 'already-bought'; orderId?: string | undefined }
  /** The idempotency key came before, with another body. */
  | { kind: 'key-reused'; orderId: string }
  | Refusal
  | { kind: 'limit' };

/** Nothing happened. `waitMs`: the estimated wait, where that is what is too long. */
export type Refusal = { kind: 'busy'; waitMs?: number | undefined } | { kind: 'sold-out' | 'not-open' | 'closed' };

/** Undefined while the order has no result; a hold has one as soon as it is reserved. */
export async function resultOf(
  order: OrderView,
  { id, checkout }: Pick<Sale, 'id' | 'checkout'>,
  gate: Pick<Gate, 'orderOf'>,
): Promise<PlaceOutcome | undefined> {
  if (order.status === 'reserved') return checkout === 'hold' ? { kind: 'reserved', order } : undefined;
  if (!isFinal(order)) return undefined;
  if (order.status === 'confirmed') return { kind: 'confirmed', order };
  if (order.reason === 'declined') return { kind: 'declined', order };
  if (order.reason === 'sold_out') return { kind: 'sold-out' };
  if (order.reason === 'duplicate') return { kind: 'already-bought', orderId: await liveOrder(id, order, gate) };
  return { kind: 'rejected', order };
}

/** The gate may still name the rejected order as the buyer's: its ticket comes back a moment later. */
async function liveOrder(saleId: string, { buyerId, orderId }: OrderView, gate: Pick<Gate, 'orderOf'>) {
  const live = await gate.orderOf(saleId, buyerId).catch(() => null);
  return live === null || live === 'unavailable' || live === orderId ? undefined : live;
}
