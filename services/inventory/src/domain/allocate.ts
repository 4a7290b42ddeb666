// Who gets a unit: the rules of Reserve, Confirm and Release, each for a batch of orders of one sale.
import type { Money, ReservationState } from '@flashsale/contracts/fields';
import type { OrderCommand, Refusal } from '@flashsale/contracts/messages';
import type { Sale } from '@flashsale/contracts/sale';

/** An order as its gate let it in. */
export type Order = Pick<OrderCommand, 'orderId' | 'saleId' | 'buyerId' | 'quantity' | 'epoch'>;
export type Item = Omit<Order, 'epoch'>;

export interface Reservation extends Item {
  state: Exclude<ReservationState, 'absent'>;
  reason: Refusal | null;
}

/** By order. What is remembered is returned again and never decided again, refusals included. */
export type Remembered = ReadonlyMap<string, Reservation>;

type Stock = Pick<Sale, 'id' | 'epoch' | 'available'> | undefined;
/** From the sale and what is remembered of some orders to what changes; runs under the sale's lock. */
export type Rule = (sale: Sale | undefined, remembered: Remembered) => Reservation[];

/** First come, first served. Window and `closed` do not matter: an order that its gate let in is honoured. */
export function reserve(sale: Stock, remembered: Remembered, orders: readonly Order[]): Reservation[] {
  const decided = new Map<string, Reservation>();
  let available = sale?.available ?? 0;
  for (const { epoch, ...item } of orders) {
    if (remembered.has(item.orderId) || decided.has(item.orderId)) continue;
    const reason = refusal(sale, epoch, available < item.quantity);
    if (!reason) available -= item.quantity;
    decided.set(item.orderId, { ...item, state: reason ? 'refused' : 'held', reason });
  }
  return [...decided.values()];
}

function refusal(sale: Stock, epoch: number, scarce: boolean): Refusal | null {
  if (!sale) return 'unknown_sale';
  if (sale.epoch !== epoch) return 'stale_epoch';
  return scarce ? 'sold_out' : null;
}

export function confirm(sale: Stock, remembered: Remembered): Reservation[] {
  return [...remembered.values()]
    .filter((known) => known.state === 'held' && known.saleId === sale?.id)
    .map((known) => ({ ...known, state: 'sold' }));
}

/** An order that was never reserved becomes `released` too, so that a Reserve which comes late finds its end. */
export function release(sale: Stock, remembered: Remembered, items: readonly Item[]): Reservation[] {
  const released = new Map<string, Reservation>();
  for (const item of items) {
    const known = remembered.get(item.orderId);
    const taken = known?.state === 'held' || known?.state === 'sold';
    if (!known) released.set(item.orderId, { ...item, state: 'released', reason: null });
    else if (taken && known.saleId === sale?.id) released.set(item.orderId, { ...known, state: 'released' });
  }
  return [...released.values()];
}

/** The effect of these changes on the counters of the sale; `available` takes the difference. */
export function movement(remembered: Remembered, changes: readonly Reservation[]): { held: number; sold: number } {
  const moved = { held: 0, sold: 0 };
  for (const after of changes) {
    const before = remembered.get(after.orderId);
    if (before?.state === 'held' || before?.state === 'sold') moved[before.state] -= before.quantity;
    if (after.state === 'held' || after.state === 'sold') moved[after.state] += after.quantity;
  }
  return moved;
}

/** None without a price, nor for more units than any sale can hold. */
export function amountOf(sale: Pick<Sale, 'id' | 'price'> | undefined, item: Item): Money | undefined {
  if (sale?.id !== item.saleId) return undefined;
  const amountMinor = sale.price.amountMinor * item.quantity;
  return Number.isSafeInteger(amountMinor) ? { ...sale.price, amountMinor } : undefined;
}
