// Everything in flight, each with its age and the bound within which it must have moved on.
import { mintedAt } from '@flashsale/contracts/fields';
import { type Check, each } from './check.ts';
import { type Gate, isPending } from './gate.ts';
import { gatesInUse, isEnded, isUndecided, isUnpaidHold, type Order, type Reading } from './reading.ts';

export interface InFlight {
  orderId: string;
  /** Null for what payment or the outbox has. */
  saleId: string | null;
  kind: Kind;
  where: string;
  ageMs: number;
  boundMs: number;
}

/** In the order of their checks. */
const KINDS = {
  hold: 'each unpaid hold is within its deadline',
  order: 'each undecided order is within its deadline',
  compensation: 'each compensation is within its bound',
  record: 'each pending record is within its bound',
  outbox: 'each outbox row is within its bound',
  reversal: 'each reversing charge is within its bound',
};
type Kind = keyof typeof KINDS;

// The bounds of the protocol hold while every process runs; the audit is also run while one is killed, so that each
// bound here leaves time for a restart.
const RESTART_MS = 30_000;
/** The background job that times orders out runs once a second. */
const DECIDED_WITHIN_MS = 1_000 + RESTART_MS;
/** Void and Release, repeated every 5 s until both have succeeded. */
const COMPENSATED_WITHIN_MS = 30_000 + RESTART_MS;
const RELAYED_WITHIN_MS = 30_000 + RESTART_MS;
/** The longest back-off between two checks of a sweeper. */
const LONGEST_BACKOFF_MS = 300_000;
const APPLIED_WITHIN_MS = LONGEST_BACKOFF_MS + RESTART_MS;
/** Two attempts, as the bank may not respond to the first. */
const REVERSED_WITHIN_MS = 2 * LONGEST_BACKOFF_MS;

/** The oldest first. Unpaid holds are among them, although nothing but their buyer can move them on. */
export function everythingInFlight(reading: Reading): InFlight[] {
  const found = [
    ...ordersInFlight(reading),
    ...[...gatesInUse(reading).values()].flatMap((gate) => recordsInFlight(gate, reading)),
    ...reading.outbox.map(
      ({ orderId, exchange, ageMs }): InFlight => ({
        ...{ orderId, saleId: reading.orders.get(orderId)?.saleId ?? null, kind: 'outbox' },
        ...{ where: `outbox, for ${exchange}`, ageMs, boundMs: RELAYED_WITHIN_MS },
      }),
    ),
    ...[...reading.charges.values()]
      .filter(({ state }) => state === 'reversing')
      .map(
        ({ orderId, ageMs }): InFlight => ({
          ...{ orderId, saleId: reading.orders.get(orderId)?.saleId ?? null, kind: 'reversal' },
          ...{ where: 'charge reversing', ageMs, boundMs: REVERSED_WITHIN_MS },
        }),
      ),
  ];
  return found.sort((a, b) => b.ageMs - a.ageMs);
}

function ordersInFlight({ orders }: Reading): InFlight[] {
  const bornMs = ({ orderId }: Order) => mintedAt(orderId) ?? 0;
  return [...orders.values()].flatMap((order): InFlight[] => {
    const { orderId, saleId, nowMs, deadlineMs, decidedMs } = order;
    if (isUndecided(order)) {
      const ageMs = nowMs - bornMs(order);
      const boundMs = deadlineMs + DECIDED_WITHIN_MS - bornMs(order);
      const kind = isUnpaidHold(order) ? 'hold' : 'order';
      return [{ orderId, saleId, kind, where: statusOf(order), ageMs, boundMs }];
    }
    if (!order.compensationPending) return [];
    const ageMs = nowMs - (decidedMs ?? bornMs(order));
    return [{ orderId, saleId, kind: 'compensation', where: statusOf(order), ageMs, boundMs: COMPENSATED_WITHIN_MS }];
  });
}

/** Records whose order orders has decided, or has never seen; the others are bounded by their row. */
function recordsInFlight({ saleId, records, due, nowMs }: Gate, { orders }: Reading): InFlight[] {
  return [...records.values()].filter(isPending).flatMap(({ orderId, state, deadlineMs }): InFlight[] => {
    const order = orders.get(orderId);
    if (isUndecided(order) || order?.compensationPending) return [];
    // A rebuilt gate checks orders that were decided long ago: their time counts from when that check is due.
    const fromMs = Math.max(
      order ? (order.decidedMs ?? 0) : (deadlineMs ?? 0),
      deadlineMs ? 0 : (due.get(orderId) ?? 0),
    );
    const bornMs = mintedAt(orderId) ?? 0;
    const where = `${state}, ${order ? statusOf(order) : 'no row yet'}`;
    const boundMs = fromMs + APPLIED_WITHIN_MS - bornMs;
    return [{ orderId, saleId, kind: 'record', where, ageMs: nowMs - bornMs, boundMs }];
  });
}

function statusOf(order: Order): string {
  if (isUnpaidHold(order)) return 'reserved, unpaid';
  if (order.status === 'reserved') return 'reserved, payment requested';
  return `${order.status}${isEnded(order) && order.compensationPending ? ', compensation pending' : ''}`;
}

export const boundChecks = (found: InFlight[]): Check[] =>
  Object.entries(KINDS).map(([kind, name]) =>
    each(
      `bounds: ${name}`,
      null,
      found.filter((one) => one.kind === kind),
      ({ ageMs, boundMs }) => ageMs <= boundMs,
    ),
  );
