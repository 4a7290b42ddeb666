// What became of the orders: asked at the gateway, the oldest first, until each is final or the time is up.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Order, Shop } from '../../infra/clients/shop.ts';
import { isFinal } from './figures.ts';

export interface Asked {
  orderId: string;
  token: string;
}

const AT_ONCE = 16;
const AGAIN_MS = 250;

/**
 * Orders end about in the order in which they were placed, so a round stops where the line begins: asking about everybody
 * each time would take the machine's time from the very work that is waited for.
 */
export async function untilFinal(shop: Shop, asked: Asked[], withinMs: number): Promise<Map<string, Order>> {
  const known = new Map<string, Order>();
  let open = asked.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1));
  for (const giveUpAt = Date.now() + withinMs; open.length > 0 && Date.now() < giveUpAt; await sleep(AGAIN_MS)) {
    for (let from = 0; from < open.length; from += AT_ONCE) {
      const orders = await Promise.all(
        open.slice(from, from + AT_ONCE).map(({ orderId, token }) => shop.order(orderId, token)),
      );
      for (const order of orders) if (order) known.set(order.orderId, order);
      if (!orders.some((order) => isFinal(order ?? undefined))) break;
    }
    open = open.filter(({ orderId }) => !isFinal(known.get(orderId)));
  }
  return known;
}
