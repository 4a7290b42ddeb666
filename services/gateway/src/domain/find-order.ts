// Where an order stands, for its buyer.
import { type OrderView, UNDECIDED, viewOf } from './order-view.ts';
import type { Pace } from './pace.ts';
import type { Gate, Orders, OrderViews } from './ports.ts';

/** An id that nobody knows may stand in line while the gate was lost: believed for as long as a queued order may take. */
const YOUNG_MS = 600_000;

/** After that a view that still says `queued` is checked: the Redis it lies in may have forgotten how the order ended. */
export const DOUBTFUL_MS = 30_000;

/** Its place in line, while it has one: 1 is next; estimated from how fast the line moves, null while it does not. */
export type Standing = OrderView & { line?: { position: number; waitMs: number | null } };

export interface Asked {
  orderId: string;
  buyerId: string;
  /** Unix milliseconds. */
  mintedAtMs: number;
}

export interface FindPorts {
  views: OrderViews;
  orders: Orders;
  gate: Gate;
  pace: Pace;
}

export async function findOrder(
  { orderId, buyerId, mintedAtMs }: Asked,
  ports: FindPorts,
): Promise<Standing | undefined> {
  const view = await shownOrAsked(orderId, mintedAtMs, ports);
  if (view) return view.buyerId === buyerId ? withPlace(view, ports) : undefined;
  const age = Date.now() - mintedAtMs;
  if (age < 0 || age > YOUNG_MS) return undefined;
  return { ...UNDECIDED, orderId, saleId: '', buyerId, quantity: 0, status: 'queued' };
}

async function shownOrAsked(orderId: string, mintedAtMs: number, { views, orders }: FindPorts) {
  const seen = await views.find(orderId).catch(() => undefined);
  const doubtful = seen?.status === 'queued' && Date.now() - mintedAtMs > DOUBTFUL_MS;
  if (seen && !doubtful) return seen;
  const order = (await orders.get([orderId])).get(orderId);
  return order ? viewOf(order) : seen;
}

async function withPlace(view: OrderView, { gate, pace }: FindPorts): Promise<Standing> {
  if (view.status !== 'queued') return view;
  const position = await gate.position(view).catch(() => null);
  if (position === null) return view;
  const perSecond = pace.perSecond(view.saleId);
  return { ...view, line: { position, waitMs: perSecond ? Math.round((position * 1_000) / perSecond) : null } };
}
