// The buyers' views of orders, in Redis; lost with it, and then made again from what orders answers.
import { isFinal, type OrderView } from '../domain/order-view.ts';
import type { OrderViews } from '../domain/ports.ts';
import type { GateRedis } from './redis.ts';

const KEPT_FOR_MS = 24 * 3_600_000;
/** Long enough for a page that waits for the result; later, orders is asked. */
const FINAL_KEPT_FOR_MS = 600_000;
const key = (orderId: string) => `order:${orderId}`;

export const createOrderViews = (redis: GateRedis): OrderViews => ({
  async show(view) {
    const keptForMs = isFinal(view) ? FINAL_KEPT_FOR_MS : KEPT_FOR_MS;
    const [name, text] = [key(view.orderId), JSON.stringify(view)];
    // The first version is older than any that may be there.
    if (view.version === 0) await redis.client.set(name, text, 'PX', keptForMs, 'NX');
    else await redis.script('show', [name], [view.version, text, keptForMs]);
  },
  async find(orderId) {
    const text = await redis.client.get(key(orderId));
    return text ? (JSON.parse(text) as OrderView) : undefined;
  },
});
