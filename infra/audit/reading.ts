// One reading of all stores, in the order that makes each check exact while orders move.
import type { ChargeState, Money, OrderStatus, Refund, ReservationState } from '@flashsale/contracts/fields';
import { isFinalStatus } from '@flashsale/contracts/messages';
import type { Statement } from '../clients/bank.ts';
import { findGates, type Gate, readGate } from './gate.ts';
import { connect, type Database, from, type QueueLength, rows, type Stores, snapshot } from './stores.ts';

export interface Order {
  orderId: string;
  saleId: string;
  buyerId: string;
  quantity: number;
  status: OrderStatus;
  payRequested: boolean;
  compensationPending: boolean;
  refund: Refund;
  version: number;
  /** Unix milliseconds of Postgres' clock, like `nowMs`. */
  deadlineMs: number;
  decidedMs: number | null;
  nowMs: number;
}

export interface Sale {
  saleId: string;
  title: string;
  stock: number;
  available: number;
  held: number;
  sold: number;
  epoch: number;
  revision: number;
  price: Money;
  /** Closed, or past its window. */
  over: boolean;
  unitsHeld: number;
  unitsSold: number;
}

export interface Reservation {
  orderId: string;
  saleId: string;
  state: ReservationState;
}

export interface Charge {
  orderId: string;
  state: ChargeState;
  /** Since its state is what it is. */
  ageMs: number;
}

export interface OutboxRow {
  orderId: string;
  exchange: string;
  ageMs: number;
}

export interface Rows {
  orders: Map<string, Order>;
  reservations: Map<string, Reservation>;
  charges: Map<string, Charge>;
}

export interface Reading extends Rows {
  gatesBefore: Map<string, Gate>;
  gates: Map<string, Gate>;
  outbox: OutboxRow[];
  sales: Sale[];
  statement: Statement;
  /** Undefined where no broker is named. */
  queues: QueueLength[] | undefined;
}

const ms = (time: string) => `extract(epoch FROM ${time})::float8 * 1000`;
const ORDERS = `SELECT id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", quantity, status,
  pay_requested AS "payRequested", compensation_pending AS "compensationPending", refund, version,
  ${ms('deadline')} AS "deadlineMs", ${ms('decided_at')} AS "decidedMs", ${ms('now()')} AS "nowMs" FROM orders`;
const OUTBOX = `SELECT order_id AS "orderId", exchange, ${ms('now() - created_at')} AS "ageMs" FROM outbox`;
const UNITS = 'SELECT coalesce(sum(quantity), 0)::int FROM reservations WHERE sale_id = sales.id AND state =';
const SALES = `SELECT id AS "saleId", title, stock, available, held, sold, epoch, revision,
  jsonb_build_object('amountMinor', amount_minor, 'currency', currency) AS price, (closed OR closes_at <= now()) AS over,
  (${UNITS} 'held') AS "unitsHeld", (${UNITS} 'sold') AS "unitsSold" FROM sales ORDER BY created_at, id`;
const RESERVATIONS = 'SELECT order_id AS "orderId", sale_id AS "saleId", state FROM reservations';
const CHARGES = `SELECT order_id AS "orderId", state, ${ms('now() - updated_at')} AS "ageMs" FROM charges`;

/** Gate, inventory, gate; and orders before inventory and payment, and payment before the bank. */
export async function takeReading(stores: Stores): Promise<Reading> {
  if (stores.redis.status === 'wait') await from('Redis', connect(stores.redis));
  const known = await rows<{ id: string }>(stores, 'inventory', 'SELECT id FROM sales');
  const saleIds = new Set([...known.map(({ id }) => id), ...(await from('Redis', findGates(stores.redis)))]);
  const gatesBefore = await readGates(stores, saleIds);
  const [orders, outbox] = (await snapshot(stores, 'orders', ORDERS, OUTBOX)) as [Order[], OutboxRow[]];
  const [sales, taken] = (await snapshot(stores, 'inventory', SALES, RESERVATIONS)) as [Sale[], Reservation[]];
  return {
    gatesBefore,
    orders: byOrder(orders),
    outbox,
    sales,
    reservations: byOrder(taken),
    gates: await readGates(stores, saleIds),
    charges: byOrder(await rows<Charge>(stores, 'payment', CHARGES)),
    statement: await from('the bank', stores.bank.statement()),
    queues: await (stores.queueLengths && from('RabbitMQ', stores.queueLengths())),
  };
}

async function readGates(stores: Stores, saleIds: Iterable<string>): Promise<Map<string, Gate>> {
  const gates = new Map<string, Gate>();
  for (const saleId of saleIds) gates.set(saleId, await from('Redis', readGate(stores.redis, saleId)));
  return gates;
}

const byOrder = <T extends { orderId: string }>(rows: T[]) => new Map(rows.map((row) => [row.orderId, row]));

/** The same orders' rows as they are by now, the order before its participants once more. */
export async function readAgain(stores: Stores, orderIds: string[]): Promise<Rows> {
  const of = <T extends object>(database: Database, select: string, id = 'order_id') =>
    orderIds.length ? rows<T>(stores, database, `${select} WHERE ${id} = ANY($1::uuid[])`, [orderIds]) : [];
  return {
    orders: byOrder(await of<Order>('orders', ORDERS, 'id')),
    reservations: byOrder(await of<Reservation>('inventory', RESERVATIONS)),
    charges: byOrder(await of<Charge>('payment', CHARGES)),
  };
}

export const isConfirmed = ({ status }: Order) => status === 'confirmed';
export const isEnded = (order: Order | undefined) =>
  order !== undefined && isFinalStatus(order.status) && !isConfirmed(order);
export const isLive = (order: Order) => !isEnded(order);
export const isUndecided = (order: Order | undefined) => order?.status === 'placed' || order?.status === 'reserved';
/** A hold that waits for its buyer: nothing else is expected to happen to it before its deadline. */
export const isUnpaidHold = (order: Order | undefined) => order?.status === 'reserved' && !order.payRequested;
export const isTaken = ({ state }: Reservation) => state === 'held' || state === 'sold';
export const capturesOf = ({ charges }: Statement) => charges.filter(({ status }) => status === 'captured');

/** Its epoch is inventory's, and it was built in this Redis. */
export const isValid = (gate: Gate | undefined, { epoch }: Sale) => gate?.epoch === epoch && gate.current;

/** A sale that is over and holds nothing needs no gate: a lost one is not rebuilt. */
export const needsNoGate = ({ gates }: Pick<Reading, 'gates'>, sale: Sale) =>
  sale.over && sale.held === 0 && !isValid(gates.get(sale.saleId), sale);

/** Without the remains of gates that are not used any more. */
export function gatesInUse({ gates, sales }: Pick<Reading, 'gates' | 'sales'>): Map<string, Gate> {
  const unused = new Set(sales.filter((sale) => needsNoGate({ gates }, sale)).map(({ saleId }) => saleId));
  return new Map([...gates].filter(([saleId]) => !unused.has(saleId)));
}
