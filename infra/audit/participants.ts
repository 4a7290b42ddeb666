// Orders against inventory and payment: the order is read first, so what its status promises is already there.
import { type Check, each } from './check.ts';
import { isTaken, type Reservation, reservationsOf } from './inventory.ts';
import { isEnded, type OrderRow, ordersOf } from './orders.ts';
import { type Charge, chargesOf } from './payment.ts';
import { from, type Stores } from './stores.ts';

interface Participants {
  reservations: Map<string, Reservation>;
  charges: Map<string, Charge>;
}

interface Rule {
  name: string;
  applies(order: OrderRow): boolean;
  holds(reservation: Reservation | undefined, charge: Charge | undefined): boolean;
}

const RULES: Rule[] = [
  {
    name: 'orders: confirmed, so its charge is captured',
    applies: (order) => order.status === 'confirmed',
    holds: (_, charge) => charge?.state === 'captured',
  },
  {
    name: 'orders: confirmed and closed, so its unit is sold',
    applies: (order) => order.status === 'confirmed' && !order.open,
    holds: (reservation) => reservation?.state === 'sold',
  },
  {
    name: 'orders: ended and closed, so it has no unit',
    applies: (order) => isEnded(order) && !order.open,
    holds: (reservation) => !reservation || !isTaken(reservation),
  },
  {
    name: 'orders: ended and closed, so no charge is captured',
    applies: (order) => isEnded(order) && !order.open,
    holds: (_, charge) => charge?.state !== 'captured',
  },
];

const MOST_READINGS = 5;

export async function participantChecks(
  stores: Stores,
  orders: OrderRow[],
  participants: Participants,
): Promise<Check[]> {
  const broken = await brokenOrders(stores, orders, participants);
  const saleIds = new Set(orders.map((order) => order.saleId));
  return RULES.flatMap(({ name, applies }) =>
    [...saleIds].map((saleId) => {
      const concerned = orders.filter((order) => order.saleId === saleId && applies(order));
      return each(
        name,
        saleId,
        concerned,
        (order) => !broken.get(order.id)?.has(name),
        (order) => order.id,
      );
    }),
  );
}

/**
 * Which orders break which rules. The two were not read at one instant: a mismatch counts only if the order is still at
 * the version that was compared; one that moved is compared again.
 */
async function brokenOrders(stores: Stores, orders: OrderRow[], participants: Participants) {
  const broken = new Map<string, Set<string>>();
  let suspects = mismatches(orders, participants);
  for (let reading = 1; suspects.size > 0; reading += 1) {
    const ids = [...suspects.keys()];
    const now = await from('the orders database', ordersOf(stores.orders, ids));
    const moved: OrderRow[] = [];
    for (const [id, { version, rules }] of suspects) {
      const order = now.get(id);
      if (order && order.version !== version && reading < MOST_READINGS) moved.push(order);
      else broken.set(id, rules);
    }
    suspects = mismatches(moved, await participantsOf(stores, moved));
  }
  return broken;
}

function mismatches(orders: OrderRow[], { reservations, charges }: Participants) {
  const found = new Map<string, { version: number; rules: Set<string> }>();
  for (const order of orders) {
    const rules = RULES.filter(
      (rule) => rule.applies(order) && !rule.holds(reservations.get(order.id), charges.get(order.id)),
    );
    if (rules.length) found.set(order.id, { version: order.version, rules: new Set(rules.map((rule) => rule.name)) });
  }
  return found;
}

async function participantsOf(stores: Stores, orders: OrderRow[]): Promise<Participants> {
  if (orders.length === 0) return { reservations: new Map(), charges: new Map() };
  const ids = orders.map((order) => order.id);
  return {
    reservations: await from('the inventory database', reservationsOf(stores.inventory, ids)),
    charges: await from('the payment database', chargesOf(stores.payment, ids)),
  };
}
