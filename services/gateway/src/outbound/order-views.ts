// The buyers' views of orders, in Redis; lost with it, and made again from the rows of orders.
import { VIEW_KEYS } from '@flashsale/contracts/keys';
import { groupCommit } from '@flashsale/runtime/group-commit';
import { isFinal } from '../domain/order-view.ts';
import type { OrderView, OrderViews } from '../domain/ports.ts';
import type { GateRedis } from './redis.ts';

const KEPT_FOR_MS = 24 * 3_600_000;
/** Long enough for a page that waits for the result; later it is read from orders. */
const FINAL_KEPT_FOR_MS = 600_000;
/** First views of orders that are accepted within this time share a round trip. */
const GATHER_MS = 5;

export function createOrderViews(redis: GateRedis): OrderViews {
  /** Older than any view that may be there. */
  const showFirst = groupCommit<OrderView, unknown>(GATHER_MS, async (views) => {
    const set = (view: OrderView) =>
      redis.client.set(keyOf(view.orderId), JSON.stringify(view), 'PX', KEPT_FOR_MS, 'NX');
    const written = new Map(views.map((view) => [view, set(view)]));
    return (view) => written.get(view);
  });
  return {
    async show(view) {
      if (view.version === 0) return void (await showFirst(view));
      const keptForMs = isFinal(view) ? FINAL_KEPT_FOR_MS : KEPT_FOR_MS;
      await redis.script('show', [keyOf(view.orderId)], [view.version, JSON.stringify(view), keptForMs]);
    },
    async find(orderId) {
      const text = await redis.client.get(keyOf(orderId));
      return text ? (JSON.parse(text) as OrderView) : undefined;
    },
  };
}

const keyOf = (orderId: string) => `${VIEW_KEYS}${orderId}`;
