// Orders that end without success, by whichever worker: at their deadline, compensated (no charge stays, then no unit
// stays), and followed until owed money is given back.
import type { ChargeState, Refund } from '@flashsale/contracts/fields';
import type { Order } from './order.ts';
import { MAX_TAKEN, type Ports, type Timeouts } from './ports.ts';

const REFUNDS: Partial<Record<ChargeState, Refund>> = {
  voided: 'none',
  declined: 'none',
  reversing: 'owed',
  reversed: 'done',
};
/** Undefined for a charge that may still become, or stay, money taken. */
export const refundFor = (state: ChargeState | undefined) => state && REFUNDS[state];

/**
 * Ends what is not decided by its deadline, and does not wait for the compensations, which call the participants: one
 * that hangs must not delay the next time-out.
 */
export async function timeOutOrders({ ledger }: Ports, compensateSoon: (orders: Order[]) => void): Promise<void> {
  let ended: Order[];
  do {
    ended = await ledger.timeOut();
    compensateSoon(ended);
  } while (ended.length === MAX_TAKEN);
}

/** Returns the rows of those whose outcome both participants gave; the rest stays pending and is taken up again. */
export async function compensate(orders: Order[], ports: Ports, timeouts: Timeouts): Promise<Order[]> {
  const { ledger, inventory, payment } = ports;
  if (orders.length === 0) return [];
  const orderIds = orders.map(({ orderId }) => orderId);
  const charges = await payment.void(orderIds, timeouts.callMs);
  const voided = orders.filter(({ orderId }) => refundFor(charges.get(orderId)));
  if (voided.length === 0) return [];
  const released = await inventory.release(voided, timeouts.callMs);
  // Only now, with the unit back, may the event go out: a ticket comes back after its unit.
  const outcomes = voided
    .filter(({ orderId }) => released.has(orderId))
    .map(({ orderId }) => ({ orderId, refund: refundFor(charges.get(orderId)) ?? 'none' }));
  return ledger.compensated(outcomes);
}

/** Takes up the compensations whose worker died or met an unknown. */
export async function compensatePending(ports: Ports, timeouts: Timeouts, untouchedForMs: number): Promise<void> {
  let pending: Order[];
  do {
    pending = await ports.ledger.takeCompensationPending(untouchedForMs);
    await compensate(pending, ports, timeouts);
  } while (pending.length === MAX_TAKEN);
}

/** Money that was taken and is owed: payment gives it back, orders records when that is done. */
export async function followRefunds({ ledger, payment }: Ports, timeouts: Timeouts): Promise<void> {
  const owed = await ledger.takeRefundsOwed();
  const outcomes = owed.map(async (orderId) => {
    const refund = refundFor(await payment.stateOf(orderId, timeouts.callMs));
    return refund && refund !== 'owed' ? [{ orderId, refund }] : [];
  });
  await ledger.refunded((await Promise.all(outcomes)).flat());
}
