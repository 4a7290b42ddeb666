// At rest all stores and the bank name the same orders, and the same money.
import type { BankCharge } from '../clients/bank.ts';
import { type Check, each, same } from './check.ts';
import type { Sale } from './inventory.ts';
import { isEnded, type OrderRow } from './orders.ts';
import type { Reading } from './reading.ts';

export function agreementChecks(reading: Reading): Check[] {
  const orders = [...reading.orders.rows.values()];
  const confirmed = orders.filter((order) => order.status === 'confirmed');
  const captures = reading.statement.charges.filter((line) => line.status === 'captured');
  return [
    ...sameOrders(reading, confirmed, captures),
    ...notCharged(orders.filter(isEnded), captures),
    ...[...reading.inventory.sales.values()].map((sale) => sameMoney(sale, confirmed, captures)),
  ];
}

function sameOrders(reading: Reading, confirmedOrders: OrderRow[], captures: BankCharge[]): Check[] {
  const records = [...reading.gates.values()].flatMap((gate) => [...gate.records.values()]);
  const reservations = [...reading.inventory.reservations.values()];
  const charges = [...reading.charges.values()];
  const ids = (items: { orderId: string }[]) => new Set(items.map(({ orderId }) => orderId));

  const confirmed = new Set(confirmedOrders.map((order) => order.id));
  const soldRecords = ids(records.filter(({ state }) => state === 'sold'));
  const soldUnits = ids(reservations.filter(({ state }) => state === 'sold'));
  const captured = ids(charges.filter(({ state }) => state === 'captured'));
  const atTheBank = new Set(captures.map((line) => line.key));

  const saleOf = (id: string) => reading.orders.rows.get(id)?.saleId ?? null;
  return [
    ...sameBySale('rest: sold records = confirmed orders', soldRecords, confirmed, saleOf),
    ...sameBySale('rest: confirmed orders = sold reservations', confirmed, soldUnits, saleOf),
    ...sameBySale('rest: confirmed orders = captured charges', confirmed, captured, saleOf),
    ...sameBySale(`rest: captured charges = the bank's captures`, captured, atTheBank, saleOf),
  ];
}

function sameBySale(
  name: string,
  left: Set<string>,
  right: Set<string>,
  saleOf: (id: string) => string | null,
): Check[] {
  const leftBySale = Map.groupBy(left, saleOf);
  const rightBySale = Map.groupBy(right, saleOf);
  const saleIds = new Set([...leftBySale.keys(), ...rightBySale.keys()]);
  if (saleIds.size === 0) return [same(name, null, left, right)];
  return [...saleIds].map((saleId) =>
    same(name, saleId, new Set(leftBySale.get(saleId)), new Set(rightBySale.get(saleId))),
  );
}

function notCharged(ended: OrderRow[], captures: BankCharge[]): Check[] {
  const captured = new Set(captures.map((line) => line.key));
  const name = 'rest: ended orders are not captured at the bank';
  return [
    each(
      name,
      null,
      ended,
      (order) => !captured.has(order.id),
      (order) => order.id,
    ),
  ];
}

/** In minor units; equal sums are not enough, each order has to have paid its own price. */
function sameMoney(sale: Sale, allConfirmed: OrderRow[], captures: BankCharge[]): Check {
  const lines = new Map(captures.map((line) => [line.key, line]));
  const confirmed = allConfirmed.filter((order) => order.saleId === sale.id);
  const paid = ({ id }: OrderRow) => lines.get(id)?.amountMinor ?? 0;
  const owed = ({ quantity }: OrderRow) => quantity * sale.amountMinor;
  const wrong = confirmed.filter((o) => paid(o) !== owed(o) || lines.get(o.id)?.currency !== sale.currency);
  const sum = (amountOf: (order: OrderRow) => number) => confirmed.reduce((total, order) => total + amountOf(order), 0);
  return {
    name: 'rest: captured minor units = price × quantity',
    saleId: sale.id,
    left: sum(paid),
    terms: [sum(owed)],
    ok: wrong.length === 0,
    differing: wrong.map((order) => order.id),
  };
}
