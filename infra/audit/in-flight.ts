// Orders on their way, each with its age and the time by which it must have ended.
import { mintedAt } from '@flashsale/contracts/ids';
import { type Check, each } from './check.ts';
import { isPending } from './gate.ts';
import { isUnfinished, type Order, type Reading } from './reading.ts';

export interface InFlight {
  orderId: string;
  saleId: string;
  where: string;
  ageMs: number;
  boundMs: number;
}

/**
 * From `decide_by` to the end of the compensation: an unknown charge waits for the longest retry step (30 s), the
 * sweeper and the resumer run every few seconds, and each may need a second try.
 */
const TIME_TO_CLOSE_MS = 90_000;

/** The oldest first. */
export function ordersInFlight({ gates, orders }: Reading): InFlight[] {
  const found = new Map<string, InFlight>();
  const note = (orderId: string, saleId: string, where: string, decideByMs: number) => {
    const bornMs = mintedAt(orderId) ?? 0;
    const boundMs = decideByMs + TIME_TO_CLOSE_MS - bornMs;
    found.set(orderId, { orderId, saleId, where, ageMs: Date.now() - bornMs, boundMs });
  };
  for (const { saleId, records, due } of gates.values()) {
    for (const { orderId, state, decideByMs } of [...records.values()].filter(isPending)) {
      const order = orders.get(orderId);
      if (order?.status === 'held') continue;
      // A rebuilt gate asks again about orders that ended long ago: their time counts from when it will ask.
      const endMs = decideByMs ?? Math.max(order?.decideByMs ?? 0, due.get(orderId) ?? 0);
      note(orderId, saleId, `${state}, ${order ? statusOf(order) : 'in line'}`, endMs);
    }
  }
  for (const order of [...orders.values()].filter(isUnfinished))
    note(order.orderId, order.saleId, statusOf(order), order.decideByMs);
  return [...found.values()].sort((a, b) => b.ageMs - a.ageMs);
}

const statusOf = ({ status, open }: Order) => `${status}${open ? ', open' : ''}`;

export const inFlightCheck = (orders: InFlight[]): Check =>
  each('in flight: each order is within its bound', null, orders, ({ ageMs, boundMs }) => ageMs <= boundMs);
