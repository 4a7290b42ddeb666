// An order as its buyer sees it.
import { type Choice, isFinalStatus, type OrderEvent } from '@flashsale/contracts/messages';
import type { Order } from './ports.ts';

/** An order as in its event, or as read from orders. */
export type Result = Omit<Order, 'final' | 'payRequested'> & Partial<Pick<Order, 'final' | 'payRequested'>>;

/** `version` 0 is an order that only the gate knows of. */
export type OrderView = Omit<OrderEvent, keyof Choice | 'status' | 'deadlineMs'> & {
  status: 'queued' | OrderEvent['status'];
  /** Unix milliseconds, of a hold that waits for its payment; else null. */
  deadlineMs: number | null;
  payRequested: boolean;
  /** Absent for an order of which only the id is known. */
} & Partial<Choice>;

export const UNDECIDED = {
  reason: null,
  version: 0,
  amount: null,
  deadlineMs: null,
  payRequested: false,
  refund: 'none',
  decidedAtMs: null,
} as const;

export const isFinal = ({ status }: OrderView) => isFinalStatus(status);

/** A buyer can do something with `reserved` only while its payment is not requested; an instant order is queued till then. */
export const awaitsPayment = ({ status, payRequested }: OrderView) => status === 'reserved' && !payRequested;

/** A decision may be shown before its compensation is done: it is never taken back. */
export const viewOf = ({ final: _, ...order }: Result): OrderView => ({
  ...order,
  status: order.status === 'placed' ? 'queued' : order.status,
  deadlineMs: order.status === 'reserved' ? order.deadlineMs : null,
  payRequested: order.payRequested ?? false,
});
