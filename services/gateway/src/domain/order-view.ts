// An order as its buyer sees it, and how it is found. The gate is read first and orders second: orders works the queue
// off, and must not be slowed down by the buyers who wait.
import { isFinalStatus } from '@flashsale/contracts/messages';
import type { Clock, Gate, Order, Orders, OrderView, OrderViews } from './ports.ts';
import type { WaitingEstimate } from './queue-progress.ts';
import type { Sale } from './sale.ts';

/** An admit runs within 3 s of its id; the rest is skew between clocks. */
const SURELY_ADMITTED_BY_MS = 30_000;
/** An id may be minted by a gateway whose clock is ahead. */
const SKEW_MS = 60_000;
const LONGEST_DECISION_MS = 86_400_000;

/** An order as in its event, or as read from orders. */
export type Result = Omit<Order, 'final' | 'payRequested'> & Partial<Pick<Order, 'final' | 'payRequested'>>;

export const UNDECIDED = {
  reason: null,
  version: 0,
  amount: null,
  deadlineMs: null,
  payRequested: false,
  refund: 'none',
  decidedAtMs: null,
} as const;

export const isFinal = ({ status }: OrderView) => isFinalStatus(status);

/** A buyer can do something with `reserved` only while its payment is not requested; an instant order is queued till then. */
export const awaitsPayment = ({ status, payRequested }: OrderView) => status === 'reserved' && !payRequested;

/** A decision may be shown before its compensation is done: it is never taken back. */
export const viewOf = ({ final: _, ...order }: Result): OrderView => ({
  ...order,
  status: order.status === 'placed' ? 'queued' : order.status,
  deadlineMs: order.status === 'reserved' ? order.deadlineMs : null,
  payRequested: order.payRequested ?? false,
});

/** Its place among the waiting orders, while it has one: 1 is next; `waitMs` is null while the queue does not move. */
export type FoundOrder = OrderView & { waiting?: { position: number; waitMs: number | null } };

export interface OrderRef {
  orderId: string;
  buyerId: string;
  /** Unix milliseconds. */
  mintedAtMs: number;
  /** From the order's location: without it, the gate cannot know that the order never was. */
  saleId?: string | undefined;
  epoch?: number | undefined;
}

export interface FindPorts {
  views: OrderViews;
  orders: Orders;
  gate: Gate;
  clock: Clock;
  estimate: WaitingEstimate;
  sales: () => Sale[];
}

export async function findOrder(ref: OrderRef, ports: FindPorts): Promise<FoundOrder | undefined> {
  const view = await ports.views.find(ref.orderId).catch(() => undefined);
  if (view && view.buyerId !== ref.buyerId) return undefined;
  if (view && isFinal(view)) return view;
  const now = ports.clock.nowMs() ?? Date.now();
  if (ref.mintedAtMs - now > SKEW_MS) return undefined;

  const order = { ...ref, saleId: view?.saleId ?? ref.saleId ?? '' };
  const pending = order.saleId !== '' && !isOverdue(view, now) && (await pendingInGate(order, ports));
  // Without view and place it was restored, perhaps as reserved: read from orders once, and then in the view.
  if (pending && (view || pending.position !== null))
    return { ...(view ?? undecided(order)), ...waitingOf(order.saleId, pending.position, view, ports) };
  return readFromOrders(order, view, now, ports);
}

/** While a valid gate has its record and it is this buyer's, the order is not final: orders need not be read. */
async function pendingInGate(order: OrderRef & { saleId: string }, { gate }: FindPorts) {
  try {
    const [own, state, position] = await Promise.all([
      gate.orderOf(order.saleId, order.buyerId),
      gate.stateOf(order),
      gate.position(order),
    ]);
    return own === order.orderId && (state === 'unsent' || state === 'sent') && { position };
  } catch {
    return false;
  }
}

async function readFromOrders(
  ref: OrderRef & { saleId: string },
  view: OrderView | undefined,
  now: number,
  ports: FindPorts,
): Promise<FoundOrder | undefined> {
  const neverAdmitted = await isAbsent(ref, now, ports);
  const order = (await ports.orders.get([ref.orderId])).get(ref.orderId);
  if (order) {
    const found = viewOf(order);
    ports.views.show(found).catch(() => undefined);
    return found.buyerId === ref.buyerId ? found : undefined;
  }
  if (neverAdmitted || now - ref.mintedAtMs > longestMs(ref.saleId, ports.sales())) return undefined;
  return view ?? undecided(ref);
}

async function isAbsent(ref: OrderRef & { saleId: string }, now: number, { gate }: FindPorts): Promise<boolean> {
  if (!ref.saleId || !ref.epoch || now - ref.mintedAtMs < SURELY_ADMITTED_BY_MS) return false;
  return gate.absent(ref, ref.epoch).catch(() => false);
}

/** How long an order may wait while the gate was lost and nothing else knows of it. */
function longestMs(saleId: string, sales: Sale[]): number {
  const own = sales.filter(({ id }) => id === saleId);
  const times = (own.length > 0 ? own : sales).map(({ decideWithinSeconds }) => decideWithinSeconds * 1_000);
  return times.length > 0 ? Math.max(SURELY_ADMITTED_BY_MS, ...times) : LONGEST_DECISION_MS;
}

/** A hold past its deadline has ended; its event may be lost. */
const isOverdue = (view: OrderView | undefined, now: number) => view?.deadlineMs != null && view.deadlineMs < now;

const undecided = ({ orderId, buyerId, saleId, epoch }: OrderRef & { saleId: string }): OrderView => ({
  ...UNDECIDED,
  ...{ orderId, saleId, buyerId, epoch: epoch ?? 0 },
  status: 'queued',
});

function waitingOf(saleId: string, position: number | null, view: OrderView | undefined, { estimate }: FindPorts) {
  if (position === null || (view && awaitsPayment(view))) return {};
  return { waiting: { position, waitMs: estimate.waitMs(saleId, position) ?? null } };
}
