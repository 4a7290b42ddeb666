// What holds besides once nothing moves any more.
import { agreementChecks } from './agreement.ts';
import { type Check, equal } from './check.ts';
import { isPending } from './gate.ts';
import type { Sale } from './inventory.ts';
import { isUnfinished } from './orders.ts';
import type { Reading } from './reading.ts';

/** What still has to happen, anywhere; nothing of everything is rest. */
export function pending({ gates, orders, inventory, charges, statement }: Reading) {
  const rows = [...orders.rows.values()];
  const held = new Set(rows.filter((order) => order.status === 'held').map((order) => order.id));
  const records = [...gates.values()].flatMap((gate) => [...gate.records.values()]).filter(isPending);
  const reservations = [...inventory.reservations.values()].filter((reservation) => reservation.state === 'held');
  const count = (items: { orderId: string }[]) => items.filter(({ orderId }) => !held.has(orderId)).length;
  return {
    'unsent or sent records': count(records),
    'placed or open orders': rows.filter(isUnfinished).length,
    'events in the outbox': orders.untold,
    'held units': count(reservations),
    'requested or reversing charges': [...charges.values()].filter(({ state }) => UNFINISHED.has(state)).length,
    "charges in the bank's line": statement.line.waiting + statement.line.inProgress,
  };
}

const UNFINISHED = new Set(['requested', 'reversing']);

export const isAtRest = (reading: Reading) => Object.values(pending(reading)).every((count) => count === 0);

export function restChecks(reading: Reading): Check[] {
  return [
    ...Object.entries(pending(reading)).map(([name, count]) => equal(`rest: no ${name}`, null, count, 0)),
    ...[...reading.inventory.sales.values()].flatMap((sale) => gateAtRest(sale, reading)),
    ...agreementChecks(reading),
  ];
}

function gateAtRest({ id, available, epoch, revision }: Sale, { gates }: Reading): Check[] {
  const gate = gates.get(id);
  return [
    equal('rest: tickets = available', id, gate?.tickets ?? 0, available),
    equal(`rest: the gate's epoch = the sale's`, id, gate?.epoch ?? 0, epoch),
    equal(`rest: the gate's revision = the sale's`, id, gate?.rev ?? 0, revision),
  ];
}
