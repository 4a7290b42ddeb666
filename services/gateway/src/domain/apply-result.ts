// What the gate and the buyer's view take from an order that is final.
import { viewOf } from './order-view.ts';
import type { Gate, OrderAnswer, OrderViews } from './ports.ts';

/** `epoch`: of the gate that this result speaks of. A result that only was asked for speaks of the gate that asked. */
export const createSettle =
  ({ gate, views }: { gate: Gate; views: OrderViews }) =>
  async (order: Omit<OrderAnswer, 'settled'>, epoch: number): Promise<void> => {
    const { orderId, saleId, buyerId, status } = order;
    if (status === 'placed' || status === 'held')
      throw new Error(`order ${orderId} is ${status}, which settles nothing`);
    if (status === 'confirmed') await gate.settleConfirmed(saleId, orderId, epoch);
    else await gate.settleEnded(saleId, orderId, buyerId);
    await views.show(viewOf(order));
  };
