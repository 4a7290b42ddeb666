// A result changes the gate and the buyer's view, whether it comes as an event, to one gateway, or was read from orders.
// Each gateway receives all order updates besides: they wake the requests that follow an order here.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Result, viewOf } from './order-view.ts';
import type { Gate, OrderView, OrderViews } from './ports.ts';
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

export interface Subscription {
  /** The newest update that was not taken yet. */
  take(): OrderView | undefined;
  /** Until there is an update, the time is over or the signal is given. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  end(): void;
}

export interface OrderUpdates {
  publish(view: OrderView): void;
  /** Only what concerns that buyer. */
  subscribe(orderId: string, buyerId: string): Subscription;
}

export function createOrderUpdates(): OrderUpdates {
  const subscribers = new Map<string, Set<(view: OrderView) => void>>();

  return {
    publish(view) {
      for (const receive of subscribers.get(view.orderId) ?? []) receive(view);
    },
    subscribe(orderId, buyerId) {
      let newest: OrderView | undefined;
      let taken = -1;
      let wake: () => void = () => undefined;
      const isNew = () => newest !== undefined && newest.version > taken;
      const receive = (view: OrderView) => {
        if (view.buyerId !== buyerId || (newest && newest.version >= view.version)) return;
        newest = view;
        wake();
      };
      const others = subscribers.get(orderId) ?? new Set();
      subscribers.set(orderId, others.add(receive));
      return {
        take() {
          if (!isNew()) return undefined;
          taken = newest?.version ?? taken;
          return newest;
        },
        async wait(ms, signal) {
          if (isNew()) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
            sleep(ms, undefined, { signal, ref: false }).then(resolve, () => resolve());
          });
        },
        end() {
          others.delete(receive);
          if (others.size === 0) subscribers.delete(orderId);
        },
      };
    },
  };
}
