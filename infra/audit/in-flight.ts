// Orders on their way, each with its age and the time by which it must have ended.
import { mintedAt } from '@flashsale/contracts/ids';
import { type Check, each } from './check.ts';
import { type Gate, isPending } from './gate.ts';
import { isUnfinished, type OrderRow } from './orders.ts';

export interface InFlight {
  orderId: string;
  saleId: string;
  where: string;
  ageMs: number;
  boundMs: number;
}

/**
 * From `decide_by` to the end of the closing: an unknown charge waits on the longest retry step (30 s), the sweeper's and
 * the resumer's rounds are seconds, and each may need a second try.
 */
export const TIME_TO_CLOSE_MS = 90_000;

export function ordersInFlight(gates: Gate[], orders: Map<string, OrderRow>): InFlight[] {
  const found = new Map<string, InFlight>();
  for (const { saleId, records } of gates) {
    for (const record of [...records.values()].filter(isPending)) {
      const order = orders.get(record.orderId);
      if (order?.status === 'held') continue;
      // A rebuilt gate asks again about orders that ended long ago: their time counts from when it will ask.
      const decideByMs = record.decideByMs ?? Math.max(order?.decideByMs ?? 0, record.dueMs ?? 0);
      found.set(record.orderId, inFlight(record.orderId, saleId, `${record.state}, ${wordOf(order)}`, decideByMs));
    }
  }
  for (const order of [...orders.values()].filter(isUnfinished)) {
    found.set(order.id, inFlight(order.id, order.saleId, wordOf(order), order.decideByMs));
  }
  return [...found.values()].sort((a, b) => b.ageMs - a.ageMs);
}

const wordOf = (order: OrderRow | undefined) => (order ? `${order.status}${order.open ? ', open' : ''}` : 'in line');

function inFlight(orderId: string, saleId: string, where: string, decideByMs: number): InFlight {
  const bornMs = mintedAt(orderId) ?? 0;
  return { orderId, saleId, where, ageMs: Date.now() - bornMs, boundMs: decideByMs + TIME_TO_CLOSE_MS - bornMs };
}

export const inFlightChecks = (orders: InFlight[]): Check[] => [
  each(
    'in flight: each order is within its bound',
    null,
    orders,
    (o) => o.ageMs <= o.boundMs,
    (o) => o.orderId,
  ),
];
