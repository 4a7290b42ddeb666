// Where an order stands, for its buyer.
import { type OrderAnswer, type Orders, type OrderView, type OrderViews, UNDECIDED } from './ports.ts';

/** An id that nobody knows may stand in line while the gate was lost: believed for as long as a queued order may take. */
const YOUNG_MS = 600_000;

/** After that a view that still says `queued` is checked: the Redis it lies in may have forgotten how the order ended. */
export const DOUBTFUL_MS = 30_000;

export async function findOrder(
  orderId: string,
  buyerId: string,
  mintedAtMs: number,
  { views, orders }: { views: OrderViews; orders: Orders },
): Promise<OrderView | undefined> {
  const seen = await views.find(orderId).catch(() => undefined);
  const doubtful = seen?.status === 'queued' && Date.now() - mintedAtMs > DOUBTFUL_MS;
  const view = seen && !doubtful ? seen : (asView((await orders.get([orderId])).get(orderId)) ?? seen);
  if (view) return view.buyerId === buyerId ? view : undefined;
  const age = Date.now() - mintedAtMs;
  if (age < 0 || age > YOUNG_MS) return undefined;
  return { ...UNDECIDED, orderId, saleId: '', buyerId, quantity: 0, status: 'queued' };
}

function asView(order: OrderAnswer | undefined): OrderView | undefined {
  if (!order) return undefined;
  const { settled, epoch, status, ...rest } = order;
  // Decided but not closed yet may still be shown: a decision is never taken back.
  return { ...rest, status: status === 'placed' ? 'queued' : status };
}
