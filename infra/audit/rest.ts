// Checks that hold besides once nothing is pending: all stores and the bank have the same orders, and the same money.
import type { BankCharge } from '../clients/bank.ts';
import { type Check, each, equal, same, sum } from './check.ts';
import { isPending, recordsOf } from './gate.ts';
import { capturesOf, isConfirmed, isEnded, isUnfinished, type Order, type Reading, type Sale } from './reading.ts';

/** The work that is still to be done, by kind. At rest there is none. */
function pending({ gates, orders, eventsInOutbox, reservations, charges, statement }: Reading) {
  const isHeld = ({ orderId }: { orderId: string }) => orders.get(orderId)?.status === 'held';
  return {
    'unsent or sent records': count(recordsOf(gates), (record) => isPending(record) && !isHeld(record)),
    'placed or open orders': count(orders.values(), isUnfinished),
    'events in the outbox': eventsInOutbox,
    'held units': count(reservations.values(), (reservation) => reservation.state === 'held' && !isHeld(reservation)),
    'requested or reversing charges': count(charges.values(), ({ state }) => UNFINISHED.has(state)),
    "charges in the bank's line": statement.line.waiting + statement.line.inProgress,
  };
}

const UNFINISHED = new Set(['requested', 'reversing']);
const count = <T>(items: Iterable<T>, holds: (item: T) => boolean) => [...items].filter(holds).length;

export const isAtRest = (reading: Reading) => Object.values(pending(reading)).every((number) => number === 0);

export function restChecks(reading: Reading): Check[] {
  const confirmed = [...reading.orders.values()].filter(isConfirmed);
  const captures = new Map(capturesOf(reading.statement).map((charge) => [charge.key, charge]));
  return [
    ...Object.entries(pending(reading)).map(([name, number]) => equal(`rest: no ${name}`, null, number, 0)),
    ...reading.sales.flatMap((sale) => gateChecks(sale, reading)),
    ...orderChecks(reading, confirmed, captures),
    ...reading.sales.map((sale) => moneyCheck(sale, confirmed, captures)),
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

function orderChecks(reading: Reading, confirmedOrders: Order[], captures: Captures): Check[] {
  const { gates, orders, reservations, charges } = reading;
  const idsIn = (items: Iterable<{ orderId: string; state: string }>, state: string) =>
    new Set([...items].filter((item) => item.state === state).map(({ orderId }) => orderId));
  const soldRecords = idsIn(recordsOf(gates), 'sold');
  const confirmed = new Set(confirmedOrders.map(({ orderId }) => orderId));
  const soldUnits = idsIn(reservations.values(), 'sold');
  const captured = idsIn(charges.values(), 'captured');
  const atTheBank = new Set(captures.keys());
  const ended = [...orders.values()].filter(isEnded);
  const saleOf = (id: string) => orders.get(id)?.saleId ?? null;
  return [
    ...same('rest: sold records = confirmed orders', soldRecords, confirmed, saleOf),
    ...same('rest: confirmed orders = sold reservations', confirmed, soldUnits, saleOf),
    ...same('rest: confirmed orders = captured charges', confirmed, captured, saleOf),
    ...same(`rest: captured charges = the bank's captures`, captured, atTheBank, saleOf),
    each('rest: ended orders are not captured at the bank', null, ended, ({ orderId }) => !atTheBank.has(orderId)),
  ];
}

type Captures = Map<string, BankCharge>;

/** In minor units. Equal sums are not enough: each order must have paid its own price. */
function moneyCheck({ saleId, amountMinor, currency }: Sale, allConfirmed: Order[], captures: Captures): Check {
  const confirmed = allConfirmed.filter((order) => order.saleId === saleId);
  const paid = ({ orderId }: Order) => captures.get(orderId)?.amountMinor ?? 0;
  const owed = ({ quantity }: Order) => quantity * amountMinor;
  const holds = (order: Order) => paid(order) === owed(order) && captures.get(order.orderId)?.currency === currency;
  return {
    ...each('rest: captured minor units = price × quantity', saleId, confirmed, holds),
    left: sum(confirmed.map(paid)),
    terms: [sum(confirmed.map(owed))],
  };
}
