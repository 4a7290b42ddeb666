// An order as its row says it: one lifecycle, in which an instant order is a hold whose payment is requested at once.
import type { Money } from '@flashsale/contracts/fields';
import type { Reason } from '@flashsale/contracts/messages';
import type { OrderStatus, Refund } from '@flashsale/contracts/wire';

/** What was admitted; `decideWithinMs` counts from now, because clocks may differ. */
export interface Placement {
  orderId: string;
  saleId: string;
  buyerId: string;
  quantity: number;
  epoch: number;
  mode: 'queued' | 'direct';
  decideWithinMs: number;
}

export interface Order extends Omit<Placement, 'decideWithinMs'> {
  status: OrderStatus;
  reason: Reason | null;
  /** Unix milliseconds. */
  deadlineMs: number;
  payRequested: boolean;
  /** From `reserved` on. */
  amount: Money | null;
  /** Ended, and its charge is not voided or its unit not released yet. */
  compensationPending: boolean;
  refund: Refund;
  version: number;
  decidedAtMs: number | null;
}

export const isUndecided = ({ status }: Order) => status === 'placed' || status === 'reserved';
export const isDue = ({ status, payRequested }: Order) => status === 'reserved' && payRequested;
export const isFinal = (order: Order) => !isUndecided(order) && !order.compensationPending;
