// Order events as every gateway receives them: each wakes the requests that wait for its order here.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderView } from './order-view.ts';

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
      const isNews = () => newest !== undefined && newest.version > taken;
      const receive = (view: OrderView) => {
        if (view.buyerId !== buyerId || (newest && newest.version >= view.version)) return;
        newest = view;
        wake();
      };
      const others = subscribers.get(orderId) ?? new Set();
      subscribers.set(orderId, others.add(receive));
      return {
        take() {
          if (!isNews()) return undefined;
          taken = newest?.version ?? taken;
          return newest;
        },
        async wait(ms, signal) {
          if (isNews()) return;
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
