// Checks that hold at every instant, however many orders are in flight.
import { type Check, each, eachBySale, equal } from './check.ts';
import { gateChecks, knows } from './gate.ts';
import type { Charge, Order, Reading, Reservation, Rows, Sale } from './reading.ts';
import { capturesOf, isConfirmed, isEnded, isLive, isTaken, isValid, readAgain } from './reading.ts';
import type { Stores } from './stores.ts';

export async function instantChecks(stores: Stores, reading: Reading): Promise<Check[]> {
  const unitsOf = (orderId: string) => reading.orders.get(orderId)?.quantity;
  return [
    ...[...reading.gates.values()].flatMap((gate) => gateChecks(gate, unitsOf)),
    ...reading.sales.flatMap(saleChecks),
    ...oneLiveOrder([...reading.orders.values()]),
    ...(await participantChecks(stores, reading)),
    ...(await acrossChecks(stores, reading)),
    ...(await bankChecks(stores, reading)),
  ];
}

const saleChecks = ({ saleId, stock, available, held, sold, unitsHeld, unitsSold }: Sale): Check[] => [
  equal('inventory: stock = available + held + sold', saleId, stock, available, held, sold),
  equal('inventory: held = units of held reservations', saleId, held, unitsHeld),
  equal('inventory: sold = units of sold reservations', saleId, sold, unitsSold),
];

function oneLiveOrder(orders: Order[]): Check[] {
  const buyerOf = ({ saleId, buyerId }: Order) => `${saleId} ${buyerId}`;
  const live = orders.filter(isLive);
  const lastOf = new Map(live.map((order) => [buyerOf(order), order]));
  return eachBySale('orders: one live order a buyer', salesOf(orders), live, (o) => lastOf.get(buyerOf(o)) === o);
}

const idsOf = (items: { orderId: string }[]) => items.map(({ orderId }) => orderId);
const salesOf = (orders: Order[]) => new Set(orders.map(({ saleId }) => saleId));

type Rule = [
  name: string,
  applies: (order: Order) => boolean,
  holds: (unit: Reservation | undefined, charge: Charge | undefined, order: Order) => boolean,
];

const isReserved = ({ status }: Order) => status === 'reserved';
const isCompensated = (order: Order) => isEnded(order) && !order.compensationPending;
const NO_MONEY = new Set<Charge['state'] | undefined>([undefined, 'voided']);
/** Nothing reverses a charge of these states any more. */
const KEPT = new Set<Charge['state'] | undefined>(['requested', 'captured']);

const RULES: Rule[] = [
  [
    'orders: charged, so its payment was requested',
    () => true,
    (_, c, order) => order.payRequested || NO_MONEY.has(c?.state),
  ],
  ['orders: reserved, so its unit is held or sold', isReserved, (unit) => unit !== undefined && isTaken(unit)],
  ['orders: confirmed, so its unit is sold', isConfirmed, (unit) => unit?.state === 'sold'],
  ['orders: confirmed, so its charge is captured', isConfirmed, (_, charge) => charge?.state === 'captured'],
  ['orders: ended and compensated, so it has no unit', isCompensated, (unit) => !unit || !isTaken(unit)],
  ['orders: ended and compensated, so it keeps no money', isCompensated, (_, charge) => !KEPT.has(charge?.state)],
];

/** Orders against inventory and payment: the order is read first, so what its status promises is already there. */
export async function participantChecks(stores: Stores, rows: Rows): Promise<Check[]> {
  const orders = [...rows.orders.values()];
  const broken = Map.groupBy(await lastingMismatches(stores, rows), ({ name }) => name);
  return RULES.flatMap(([name, applies]) => {
    const differing = new Set(idsOf(broken.get(name) ?? []));
    return eachBySale(name, salesOf(orders), orders.filter(applies), ({ orderId }) => !differing.has(orderId));
  });
}

const MOST_READINGS = 5;

/**
 * The stores were not read at one instant: a mismatch counts only if the order is still at the version that was
 * compared. One that has moved is compared again.
 */
async function lastingMismatches(stores: Stores, rows: Rows, readings = MOST_READINGS): Promise<Mismatch[]> {
  const found = mismatches(rows);
  if (found.length === 0 || readings === 1) return found;
  const now = await readAgain(stores, idsOf(found));
  const hasMoved = ({ orderId, version }: Mismatch) => (now.orders.get(orderId)?.version ?? version) !== version;
  const moved = new Set(idsOf(found.filter(hasMoved)));
  const orders = new Map([...now.orders].filter(([orderId]) => moved.has(orderId)));
  return [
    ...found.filter(({ orderId }) => !moved.has(orderId)),
    ...(await lastingMismatches(stores, { ...now, orders }, readings - 1)),
  ];
}

type Mismatch = Pick<Order, 'orderId' | 'version'> & { name: string };

const mismatches = ({ orders, reservations, charges }: Rows): Mismatch[] =>
  [...orders.values()].flatMap((order) =>
    RULES.filter(([, applies]) => applies(order))
      .filter(([, , holds]) => !holds(reservations.get(order.orderId), charges.get(order.orderId), order))
      .map(([name]) => ({ name, orderId: order.orderId, version: order.version })),
  );

/** Sales whose gate was lost or rebuilt between the two readings of it: they cannot be compared with inventory. */
export const incomparable = ({ gatesBefore, gates, sales }: Reading): Set<string> => {
  const moving = sales.filter((sale) => [gatesBefore, gates].some((read) => !isValid(read.get(sale.saleId), sale)));
  return new Set(moving.map(({ saleId }) => saleId));
};

/** Each unit that is taken belongs to a record of the gate, unless its order has ended meanwhile. */
async function acrossChecks(stores: Stores, reading: Reading): Promise<Check[]> {
  const moving = incomparable(reading);
  const compared = reading.sales.map(({ saleId }) => saleId).filter((saleId) => !moving.has(saleId));
  const taken = [...reading.reservations.values()].filter((it) => isTaken(it) && !moving.has(it.saleId));
  const hasRecord = ({ saleId, orderId }: Reservation) => {
    const gate = reading.gates.get(saleId);
    return gate !== undefined && knows(gate, orderId);
  };
  const missing = taken.filter((unit) => !hasRecord(unit));
  const now = await readAgain(stores, idsOf(missing));
  const lost = new Set(missing.filter(({ orderId }) => !isEnded(now.orders.get(orderId))));
  return eachBySale('across: each unit taken has its record in the gate', compared, taken, (it) => !lost.has(it));
}

/** The bank was read after payment: a charge it lacks counts only if payment still has it as captured. */
async function bankChecks(stores: Stores, { charges, statement }: Reading): Promise<Check[]> {
  const kept = new Set(capturesOf(statement).map(({ key }) => key));
  const captured = [...charges.values()].filter(({ state }) => state === 'captured');
  const now = await readAgain(stores, idsOf(captured.filter(({ orderId }) => !kept.has(orderId))));
  const holds = ({ orderId }: Charge) => kept.has(orderId) || now.charges.get(orderId)?.state !== 'captured';
  const taken = statement.charges.map((charge) => ({ ...charge, orderId: charge.key }));
  const lastOf = new Map(taken.map((charge) => [charge.key, charge]));
  return [
    each('payment: each captured charge is so at the bank', null, captured, holds),
    each('bank: at most one charge an order', null, taken, (charge) => lastOf.get(charge.key) === charge),
  ];
}
