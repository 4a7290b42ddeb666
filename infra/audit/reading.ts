// One reading of all stores, in the order that makes each check exact while orders move.
import type { Statement } from '../clients/bank.ts';
import { findGates, type Gate, readGate } from './gate.ts';
import { connect, type Database, from, rows, type Stores, snapshot } from './stores.ts';

export interface Order {
  orderId: string;
  saleId: string;
  buyerId: string;
  quantity: number;
  status: 'placed' | 'held' | 'confirmed' | 'rejected' | 'expired' | 'cancelled';
  open: boolean;
  version: number;
  decideByMs: number;
}

export interface Sale {
  saleId: string;
  title: string;
  initial: number;
  available: number;
  held: number;
  sold: number;
  epoch: number;
  revision: number;
  amountMinor: number;
  currency: string;
  unitsHeld: number;
  unitsSold: number;
}

export interface Reservation {
  orderId: string;
  saleId: string;
  state: 'held' | 'sold' | 'released' | 'refused';
}

export interface Charge {
  orderId: string;
  state: 'requested' | 'captured' | 'declined' | 'voided' | 'reversing' | 'reversed';
}

export interface Rows {
  orders: Map<string, Order>;
  reservations: Map<string, Reservation>;
  charges: Map<string, Charge>;
}

export interface Reading extends Rows {
  gatesBefore: Map<string, Gate>;
  gates: Map<string, Gate>;
  eventsInOutbox: number;
  sales: Sale[];
  statement: Statement;
}

const ORDERS = `SELECT id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, status, open, version,
  extract(epoch FROM decide_by)::float8 * 1000 AS "decideByMs" FROM orders`;
const EVENTS = 'SELECT count(*)::int AS count FROM outbox';
const UNITS = 'SELECT coalesce(sum(quantity), 0)::int FROM reservations WHERE sale_id = sales.id AND state =';
const SALES = `SELECT id AS "saleId", title, initial, available, held, sold, epoch, revision, currency,
  amount_minor::float8 AS "amountMinor", (${UNITS} 'held') AS "unitsHeld", (${UNITS} 'sold') AS "unitsSold"
  FROM sales ORDER BY created_at, id`;
const RESERVATIONS = 'SELECT order_id AS "orderId", sale_id AS "saleId", state FROM reservations';
const CHARGES = 'SELECT order_id AS "orderId", state FROM charges';

/** Gate, inventory, gate; and orders before inventory and payment, and payment before the bank. */
export async function takeReading(stores: Stores): Promise<Reading> {
  if (stores.redis.status === 'wait') await from('Redis', connect(stores.redis));
  const known = await rows<{ id: string }>(stores, 'inventory', 'SELECT id FROM sales');
  const saleIds = new Set([...known.map(({ id }) => id), ...(await from('Redis', findGates(stores.redis)))]);
  const gatesBefore = await readGates(stores, saleIds);
  const [orders, [events]] = (await snapshot(stores, 'orders', ORDERS, EVENTS)) as [Order[], [{ count: number }]];
  const [sales, taken] = (await snapshot(stores, 'inventory', SALES, RESERVATIONS)) as [Sale[], Reservation[]];
  return {
    gatesBefore,
    orders: byOrder(orders),
    eventsInOutbox: events.count,
    sales,
    reservations: byOrder(taken),
    gates: await readGates(stores, saleIds),
    charges: byOrder(await rows<Charge>(stores, 'payment', CHARGES)),
    statement: await from('the bank', stores.bank.statement()),
  };
}

async function readGates(stores: Stores, saleIds: Iterable<string>): Promise<Map<string, Gate>> {
  const gates = new Map<string, Gate>();
  for (const saleId of saleIds) gates.set(saleId, await from('Redis', readGate(stores.redis, saleId)));
  return gates;
}

const byOrder = <T extends { orderId: string }>(rows: T[]) => new Map(rows.map((row) => [row.orderId, row]));

/** These orders' rows as they are by now, again the order before its participants. */
export async function readAgain(stores: Stores, orderIds: string[]): Promise<Rows> {
  const of = <T extends object>(database: Database, select: string, id = 'order_id') =>
    orderIds.length ? rows<T>(stores, database, `${select} WHERE ${id} = ANY($1::uuid[])`, [orderIds]) : [];
  return {
    orders: byOrder(await of<Order>('orders', ORDERS, 'id')),
    reservations: byOrder(await of<Reservation>('inventory', RESERVATIONS)),
    charges: byOrder(await of<Charge>('payment', CHARGES)),
  };
}

const LIVE = new Set(['placed', 'held', 'confirmed']);
export const isLive = (order: Order) => LIVE.has(order.status);
export const isEnded = (order: Order | undefined) => order !== undefined && !isLive(order);
export const isConfirmed = ({ status }: Order) => status === 'confirmed';
export const isUnfinished = (order: Order) => order.status === 'placed' || order.open;
export const isTaken = ({ state }: Reservation) => state === 'held' || state === 'sold';
export const capturesOf = ({ charges }: Statement) => charges.filter(({ status }) => status === 'captured');
