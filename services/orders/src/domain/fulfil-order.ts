// The saga of an order, in two stages: it gets its row and its unit, then it is charged and confirmed, or declined.
import type { ChargeState } from '@flashsale/contracts/fields';
import type { PaymentDue } from '@flashsale/contracts/messages';
import { compensate } from './compensate.ts';
import type { Order, Placement } from './order.ts';
import type { Ports, Reservation, Timeouts } from './ports.ts';

/** Between the stages. */
export const isDue = ({ status, payRequested }: Order) => status === 'reserved' && payRequested;

/** The queued path: a message starts each stage. */
export const createStages = (ports: Ports, timeouts: Timeouts, batchSize: { observe(orders: number): void }) => ({
  reserve(placements: Placement[]) {
    batchSize.observe(placements.length);
    return reserveOrders(placements, ports, timeouts);
  },
  pay: (due: PaymentDue) => payDue(due, ports, timeouts),
});

/** The direct path: one stage after the other while the caller waits, until its deadline. */
export async function placeOrder(
  placement: Placement,
  ports: Ports,
  timeouts: Timeouts,
  isWaiting: () => boolean,
): Promise<Order> {
  const [order] = (await reserveOrders([placement], ports, timeouts)) as [Order];
  // The caller has gone: no charge. Its deadline ends the order, and that decision gives back what it took.
  if (!isDue(order) || !isWaiting()) return order;
  return payOrder(order, ports, timeouts);
}

/**
 * Stage 1 calls two databases and never the bank. Returns each order's row as it is afterwards; one that is still
 * `placed` met an unknown and must be delivered again. Any two workers may run this on the same orders: inventory
 * remembers its outcomes, and each decision is conditional.
 */
async function reserveOrders(placements: Placement[], ports: Ports, timeouts: Timeouts): Promise<Order[]> {
  const { ledger, inventory } = ports;
  const rows = await ledger.place(placements);
  const placed = rows.filter(({ status }) => status === 'placed');
  if (placed.length === 0) return rows;

  const { taken, refused } = sort(placed, await inventory.reserve(placed, timeouts.callMs));
  const decided = (await Promise.all([ledger.reserve(taken), ledger.refuse(refused)])).flat();

  const known = new Set(decided.map(({ orderId }) => orderId));
  const others = placed.filter(({ orderId }) => !known.has(orderId));
  // Decided by another worker meanwhile, or unknown as yet.
  const read = await ledger.read(others.map(({ orderId }) => orderId));
  return [...rows.filter(({ status }) => status !== 'placed'), ...decided, ...read];
}

function sort(orders: Order[], reserved: Map<string, Reservation>) {
  const taken: ({ orderId: string } & Reservation)[] = [];
  const refused: Pick<Order, 'orderId' | 'reason'>[] = [];
  for (const { orderId } of orders) {
    const reservation = reserved.get(orderId);
    if (!reservation) continue;
    if (reservation.state === 'held' || reservation.state === 'sold') taken.push({ orderId, ...reservation });
    // Released: an end of this order whose row is gone gave the unit back.
    else refused.push({ orderId, reason: reservation.state === 'released' ? 'timed_out' : reservation.reason });
  }
  return { taken, refused };
}

/** Stage 2. Returns the row as it is afterwards; still due: something is unknown, and the payment is repeated. */
export async function payOrder(order: Order, ports: Ports, timeouts: Timeouts): Promise<Order> {
  const { orderId, saleId, amount } = order;
  if (!isDue(order) || !amount) return order;
  return (await payDue({ orderId, saleId, amount }, ports, timeouts)) ?? order;
}

/**
 * The same for a message, whose row is not read first: an order that ended meanwhile was voided, so its charge is
 * refused, and the statements are conditional. Undefined: there is no such row.
 */
async function payDue(due: PaymentDue, ports: Ports, timeouts: Timeouts): Promise<Order | undefined> {
  return (await decide(due, ports, timeouts)) ?? (await ports.ledger.read([due.orderId]))[0];
}

const UNCHARGED = new Set<ChargeState | undefined>(['declined', 'voided', 'reversing', 'reversed']);

/** The row that this decided; undefined when something is unknown as yet, or when it was decided elsewhere. */
async function decide({ orderId, amount }: PaymentDue, ports: Ports, timeouts: Timeouts) {
  const { ledger, inventory, payment } = ports;
  const charge = await payment.charge({ orderId, amount }, timeouts.chargeMs);
  if (UNCHARGED.has(charge)) return decline(orderId, ports, timeouts);
  if (charge !== 'captured') return undefined;

  // The unit first: a confirmed row is final, and a redelivery would not find anything left to do.
  const unit = await inventory.confirm(orderId, timeouts.callMs);
  if (unit !== 'sold') return undefined;
  return (await ledger.confirm([orderId]))[0];
}

async function decline(orderId: string, ports: Ports, timeouts: Timeouts): Promise<Order | undefined> {
  const [declined] = await ports.ledger.decline([orderId]);
  if (!declined) return undefined;
  const [compensated] = await compensate([declined], ports, timeouts);
  return compensated ?? declined;
}
