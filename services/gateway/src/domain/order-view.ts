// An order as its buyer sees it.
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { OrderAnswer } from './ports.ts';

/** `version` 0 is an order that only the gate knows of. */
export type OrderView = Omit<OrderEvent, 'status' | 'decidedAtMs' | 'epoch'> & {
  status: 'queued' | 'held' | OrderEvent['status'];
  decidedAtMs: number | null;
};

export const UNDECIDED = { reason: null, version: 0, amountMinor: null, currency: null, decidedAtMs: null } as const;

export const isFinal = ({ status }: OrderView) => status !== 'queued' && status !== 'held';

/** Decided but not closed yet may be shown already: a decision is never taken back. */
export function viewOf(order: Omit<OrderAnswer, 'settled' | 'epoch'>): OrderView {
  const { orderId, saleId, buyerId, quantity, status, reason, version, amountMinor, currency, decidedAtMs } = order;
  const ids = { orderId, saleId, buyerId, quantity };
  return {
    ...ids,
    status: status === 'placed' ? 'queued' : status,
    reason,
    version,
    amountMinor,
    currency,
    decidedAtMs,
  };
}
