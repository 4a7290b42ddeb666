// An order as its buyer sees it.
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { Order } from './ports.ts';

/** `version` 0 is an order that only the gate knows of. */
export type OrderView = Omit<OrderEvent, 'status' | 'deadlineMs'> & {
  status: 'queued' | OrderEvent['status'];
  /** Unix milliseconds, of a hold that waits for its payment; else null. */
  deadlineMs: number | null;
  payRequested: boolean;
};

export const UNDECIDED = {
  reason: null,
  version: 0,
  amount: null,
  deadlineMs: null,
  payRequested: false,
  refund: 'none',
  decidedAtMs: null,
} as const;

export const isFinal = ({ status }: OrderView) => status !== 'queued' && status !== 'reserved';

/** A buyer can do something with `reserved` only while its payment is not requested; an instant order is queued till then. */
export const awaitsPayment = ({ status, payRequested }: OrderView) => status === 'reserved' && !payRequested;

/** A decision may be shown before its compensation is done: it is never taken back. */
export function viewOf(order: Omit<Order, 'final' | 'payRequested'> & { payRequested?: boolean }): OrderView {
  const { orderId, saleId, buyerId, quantity, epoch, status, reason, version, amount } = order;
  return {
    ...{ orderId, saleId, buyerId, quantity, epoch },
    status: status === 'placed' ? 'queued' : status,
    ...{ reason, version, amount },
    deadlineMs: status === 'reserved' ? order.deadlineMs : null,
    payRequested: order.payRequested ?? false,
    refund: order.refund,
    decidedAtMs: order.decidedAtMs,
  };
}
