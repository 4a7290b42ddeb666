// Stage 1: an admitted order gets its row and its unit. It calls two databases and never the bank.
import type { Order, Placement } from './order.ts';
import type { Ports, Reservation, Timeouts } from './ports.ts';

/**
 * Returns each order's row as it is afterwards; one that is still `placed` met an unknown and must be delivered again.
 * Any two workers may run this on the same orders: inventory remembers its outcomes, and each decision is conditional.
 */
export async function reserveOrders(placements: Placement[], ports: Ports, timeouts: Timeouts): Promise<Order[]> {
  const { ledger, inventory } = ports;
  const rows = await ledger.place(placements);
  const placed = rows.filter(({ status }) => status === 'placed');
  if (placed.length === 0) return rows;

  const { taken, refused } = sort(placed, await inventory.reserve(placed, timeouts.callMs()));
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
    // Released: an end of this order, of which no row is left, gave the unit back.
    else refused.push({ orderId, reason: reservation.state === 'released' ? 'timed_out' : reservation.reason });
  }
  return { taken, refused };
}
