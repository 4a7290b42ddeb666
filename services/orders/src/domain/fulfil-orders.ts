// The story of the whole project: accepted orders are carried to one final result each.
// Two doors lead here: a call brings one order, the queue brings what is waiting.
import type { Money } from '@flashsale/contracts/fields';
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { ChargeState } from '@flashsale/contracts/wire';
import { type Decision, isUndecided, type Order, type Patience, type Ports } from './order.ts';

type Priced = Order & { amount: Money };

/**
 * Answers each order's row as it is afterwards; one that is still `placed` met an unknown and is to be brought again.
 * Any two workers may run this on the same orders: every answer on the way is remembered by whoever gave it, so they agree.
 */
export async function fulfilOrders(commands: OrderCommand[], ports: Ports, patience: Patience): Promise<Order[]> {
  return carryOn(await ports.ledger.place(commands), ports, patience);
}

/** The same from the second step, for rows that are there. */
export async function carryOn(orders: Order[], ports: Ports, patience: Patience): Promise<Order[]> {
  const placed = orders.filter(isUndecided);
  if (placed.length === 0) return orders;

  const { reserved, refused } = await reserve(placed, ports, patience);
  // Whoever is gone may come back with the same order, or it is closed when its time is up: nothing is undone here.
  if (!patience.wanted()) return orders;
  const { captured, failed } = await charge(reserved, ports, patience);
  const released = await release(failed, ports, patience);
  const confirmed = await confirm(captured, ports, patience);

  const decided = await ports.ledger.decide([...confirmed.map(asConfirmed), ...released, ...refused]);
  return asTheirRowsAre(orders, decided, ports);
}

async function reserve(orders: Order[], { inventory }: Ports, patience: Patience) {
  const answers = await inventory.reserve(orders, patience.callMs());
  const reserved: Priced[] = [];
  const refused: Decision[] = [];
  for (const order of orders) {
    const answer = answers.get(order.orderId);
    if (!answer) continue;
    const { state, reason, amount } = answer;
    if (state === 'held' || state === 'sold') reserved.push({ ...order, amount });
    // Released without a decision: another worker met a decline and stopped before deciding.
    else refused.push(asRejected(order, state === 'released' ? 'declined' : reason));
  }
  return { reserved, refused };
}

async function charge(orders: Priced[], { payment }: Ports, patience: Patience) {
  const answers = orders.length ? await payment.charge(orders, patience.chargeMs()) : new Map<string, ChargeState>();
  const stateOf = (order: Order) => answers.get(order.orderId) ?? 'requested';
  return {
    captured: orders.filter((order) => stateOf(order) === 'captured'),
    failed: orders.filter((order) => !['captured', 'requested'].includes(stateOf(order))),
  };
}

/** Gives the units of uncharged orders back; rejected are those of which inventory says that it is done. */
async function release(orders: Priced[], { inventory }: Ports, patience: Patience): Promise<Decision[]> {
  if (orders.length === 0) return [];
  const answers = await inventory.release(orders, patience.callMs());
  return orders.filter((order) => answers.has(order.orderId)).map((order) => asRejected(order, 'declined'));
}

async function confirm(orders: Priced[], { inventory }: Ports, patience: Patience): Promise<Priced[]> {
  if (orders.length === 0) return [];
  const answers = await inventory.confirm(orders, patience.callMs());
  return orders.filter((order) => answers.has(order.orderId));
}

/** Those that somebody else decided meanwhile, or that met an unknown, are read again: the answer is the row's. */
async function asTheirRowsAre(orders: Order[], decided: Order[], { ledger }: Ports): Promise<Order[]> {
  const final = new Map(
    [...orders.filter((order) => !isUndecided(order)), ...decided].map((row) => [row.orderId, row]),
  );
  const others = orders.filter(({ orderId }) => !final.has(orderId)).map(({ orderId }) => orderId);
  return [...final.values(), ...(others.length ? await ledger.read(others) : [])];
}

const asConfirmed = ({ orderId, amount }: Priced): Decision => ({ orderId, status: 'confirmed', reason: null, amount });

const asRejected = ({ orderId }: Order, reason: string): Decision => ({
  orderId,
  status: 'rejected',
  reason,
  amount: null,
});
