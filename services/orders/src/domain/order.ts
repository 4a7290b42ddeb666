// An order as its row: one lifecycle, in which an instant order is a hold whose payment is requested at once.
import type { OrderStatus } from '@flashsale/contracts/fields';
import type { OrderCommand, OrderEvent } from '@flashsale/contracts/messages';

/** What was admitted; `decideWithinMs` counts from now, because clocks may differ. */
export interface Placement extends Omit<OrderCommand, 'deadlineMs'> {
  decideWithinMs: number;
}

/** Like its event, but also before there is one. */
export interface Order extends Omit<OrderEvent, 'status'> {
  mode: OrderCommand['mode'];
  status: OrderStatus;
  payRequested: boolean;
  /** Ended, and its charge is not voided or its unit not released yet. */
  compensationPending: boolean;
}

const isUndecided = ({ status }: Order) => status === 'placed' || status === 'reserved';
export const isFinal = (order: Order) => !isUndecided(order) && !order.compensationPending;
