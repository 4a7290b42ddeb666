// Results as they are told to every gateway: wakes whoever waits for one here.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderView } from './order-view.ts';

export interface Subscription {
  /** As far as one was told since the subscription. */
  result(): OrderView | undefined;
  /** Until there is a result, the time is over or the signal is given. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  end(): void;
}

export interface News {
  tell(view: OrderView): void;
  /** Only what concerns that buyer. */
  subscribe(orderId: string, buyerId: string): Subscription;
}

export function createNews(): News {
  const subscribers = new Map<string, Set<(view: OrderView) => void>>();

  return {
    tell(view) {
      for (const hear of subscribers.get(view.orderId) ?? []) hear(view);
    },
    subscribe(orderId, buyerId) {
      let result: OrderView | undefined;
      let wake: () => void = () => undefined;
      const hear = (view: OrderView) => {
        if (view.buyerId !== buyerId || (result && result.version >= view.version)) return;
        result = view;
        wake();
      };
      const others = subscribers.get(orderId) ?? new Set();
      subscribers.set(orderId, others.add(hear));
      return {
        result: () => result,
        async wait(ms, signal) {
          if (result) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
            sleep(ms, undefined, { signal, ref: false }).then(resolve, () => resolve());
          });
        },
        end() {
          others.delete(hear);
          if (others.size === 0) subscribers.delete(orderId);
        },
      };
    },
  };
}
