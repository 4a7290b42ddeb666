// Gate against inventory, while orders move: gate, inventory, gate again.
import { type Check, each } from './check.ts';
import type { Gate } from './gate.ts';
import { type Inventory, isTaken } from './inventory.ts';
import { isEnded, ordersOf } from './orders.ts';
import { from, type Stores } from './stores.ts';

export interface GateReadings {
  before: Map<string, Gate>;
  after: Map<string, Gate>;
  inventory: Inventory;
}

/** Sales whose gate was lost or rebuilt in between; of them nothing can be said. */
export const incomparable = ({ before, after, inventory }: GateReadings): string[] =>
  [...inventory.sales.values()]
    .filter(({ id, epoch }) => before.get(id)?.epoch !== epoch || after.get(id)?.epoch !== epoch)
    .map((sale) => sale.id);

/** Each unit that is taken belongs to a record of the gate, unless its order has ended meanwhile. */
export async function acrossChecks(stores: Stores, readings: GateReadings): Promise<Check[]> {
  const { after, inventory } = readings;
  const left = new Set(incomparable(readings));
  const taken = [...inventory.reservations.values()].filter((r) => isTaken(r) && !left.has(r.saleId));
  const missing = taken.filter(({ saleId, orderId }) => !after.get(saleId)?.records.has(orderId)).map((r) => r.orderId);
  const now = missing.length ? await from('the orders database', ordersOf(stores.orders, missing)) : new Map();
  const lost = new Set(missing.filter((orderId) => !now.has(orderId) || !isEnded(now.get(orderId))));
  return [...inventory.sales.keys()]
    .filter((saleId) => !left.has(saleId))
    .map((saleId) =>
      each(
        'across: each unit taken has its record in the gate',
        saleId,
        taken.filter((reservation) => reservation.saleId === saleId),
        ({ orderId }) => !lost.has(orderId),
        ({ orderId }) => orderId,
      ),
    );
}
