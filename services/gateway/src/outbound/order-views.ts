// What a buyer sees of an order, in Redis; lost with it, and then asked of orders.
import type { OrderView } from '../domain/order-view.ts';
import type { OrderViews } from '../domain/ports.ts';
import type { GateRedis } from './redis.ts';

const KEPT_FOR_MS = 24 * 3_600_000;
const key = (orderId: string) => `order:${orderId}`;

export const createOrderViews = (redis: GateRedis): OrderViews => ({
  async show(view) {
    await redis.script('show', [key(view.orderId)], [view.version, JSON.stringify(view), KEPT_FOR_MS]);
  },
  async find(orderId) {
    const text = await redis.client.get(key(orderId));
    return text ? (JSON.parse(text) as OrderView) : undefined;
  },
});
