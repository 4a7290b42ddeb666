// Checks that hold besides once nothing is pending: all stores and the bank have the same orders, and the same money.
import { type Check, equal, same, sum } from './check.ts';
import { isPending, recordsOf } from './gate.ts';
import { moneyChecks } from './money.ts';
import { gatesInUse, isConfirmed, isUndecided, isUnpaidHold, needsNoGate, type Reading, type Sale } from './reading.ts';

/** The work that is still to be done, by kind. At rest there is none; a hold that waits for its buyer is not work. */
function pending({ gates, sales, orders, outbox, reservations, charges, statement }: Reading) {
  const waits = ({ orderId }: { orderId: string }) => isUnpaidHold(orders.get(orderId));
  const all = [...orders.values()];
  return {
    'unsent or sent records': count(
      recordsOf(gatesInUse({ gates, sales })),
      (record) => isPending(record) && !waits(record),
    ),
    'undecided orders, unpaid holds aside': count(all, (order) => isUndecided(order) && !isUnpaidHold(order)),
    'pending compensations': count(all, ({ compensationPending }) => compensationPending),
    'refunds owed': count(all, ({ refund }) => refund === 'owed'),
    'rows in the outbox': outbox.length,
    'held units, unpaid holds aside': count(reservations.values(), (unit) => unit.state === 'held' && !waits(unit)),
    'requested or reversing charges': count(charges.values(), ({ state }) => UNFINISHED.has(state)),
    "charges in the bank's queue": statement.queue.waiting + statement.queue.inProgress,
  };
}

const UNFINISHED = new Set(['requested', 'reversing']);
const count = <T>(items: Iterable<T>, holds: (item: T) => boolean) => [...items].filter(holds).length;

export const isAtRest = (reading: Reading) => Object.values(pending(reading)).every((number) => number === 0);

export function restChecks(reading: Reading): Check[] {
  // Not part of `pending`: the broker reports lengths late, so they must not decide whether anything is in flight.
  const inQueues = reading.queues && { 'messages in the queues': sum(reading.queues.map(({ messages }) => messages)) };
  const none = { ...pending(reading), ...inQueues };
  const compared = reading.sales.filter((sale) => !needsNoGate(reading, sale));
  return [
    ...Object.entries(none).map(([name, number]) => equal(`rest: no ${name}`, null, number, 0)),
    ...compared.flatMap((sale) => gateChecks(sale, reading)),
    ...orderChecks(reading, new Set(compared.map(({ saleId }) => saleId))),
    ...moneyChecks(reading),
  ];
}

function gateChecks({ saleId, available, epoch, revision }: Sale, { gates }: Reading): Check[] {
  const gate = gates.get(saleId);
  return [
    equal('rest: tickets = available', saleId, gate?.tickets ?? 0, available),
    equal(`rest: the gate's epoch = the sale's`, saleId, gate?.epoch ?? 0, epoch),
    equal(`rest: the gate's revision = the sale's`, saleId, gate?.rev ?? 0, revision),
  ];
}

function orderChecks(reading: Reading, withGate: Set<string>): Check[] {
  const { orders, reservations, charges } = reading;
  const gates = gatesInUse(reading);
  const idsIn = (items: Iterable<{ orderId: string; state: string }>, state: string) =>
    new Set([...items].filter((item) => item.state === state).map(({ orderId }) => orderId));
  const saleOf = (orderId: string) => orders.get(orderId)?.saleId ?? null;
  const confirmed = new Set([...orders.values()].filter(isConfirmed).map(({ orderId }) => orderId));
  const inGates = new Set([...confirmed].filter((orderId) => withGate.has(saleOf(orderId) ?? '')));
  // A damaged record stays where it is when its order is confirmed: no script can write into it.
  const damaged = [...gates.values()].flatMap((gate) => [...gate.damaged.keys()]).filter((id) => confirmed.has(id));
  const sold = new Set([...idsIn(recordsOf(gates), 'sold'), ...damaged]);
  return [
    ...same('rest: sold records = confirmed orders', sold, inGates, saleOf),
    ...same('rest: confirmed orders = sold reservations', confirmed, idsIn(reservations.values(), 'sold'), saleOf),
    ...same('rest: confirmed orders = captured charges', confirmed, idsIn(charges.values(), 'captured'), saleOf),
  ];
}
