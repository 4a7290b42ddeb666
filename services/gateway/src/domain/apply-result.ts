// A result changes the gate and the buyer's view, whether it comes as an event or was read from orders.
import { type Result, viewOf } from './order-view.ts';
import type { Gate, OrderViews } from './ports.ts';
import type { QueueProgress } from './queue-progress.ts';

export interface ApplyPorts {
  gate: Pick<Gate, 'applyConfirmed' | 'applyEnded' | 'leaveWaiting'>;
  views: Pick<OrderViews, 'show'>;
  progress: Pick<QueueProgress, 'hasRow'>;
  /** `gate.shut`, counted. */
  shut: (saleId: string, epoch: number, reason: 'sold_out') => Promise<void>;
}

/**
 * Safe to repeat, and with results that come late or reversed. `epoch`: of the gate that a confirmation concerns; one that
 * the sweeper read concerns the gate that it swept. An ended order whose refund is done has no ticket any more.
 */
export const createApplyResult =
  ({ gate, views, progress, shut }: ApplyPorts) =>
  async (order: Result, epoch: number): Promise<void> => {
    const { orderId, saleId, status } = order;
    progress.hasRow(order);
    if (status === 'confirmed') await gate.applyConfirmed(saleId, orderId, epoch);
    else if (status === 'reserved') await gate.leaveWaiting(order);
    else if (status !== 'placed') await gate.applyEnded(order);
    await views.show(viewOf(order));
    // Impossible while no more tickets are out than there are units: this gate's numbers are wrong.
    if (order.reason === 'sold_out') await shut(saleId, order.epoch, 'sold_out');
  };

export type ApplyResult = ReturnType<typeof createApplyResult>;
