// What orders does by itself, each job in a loop of its own: none waits for another, and none asks the bank.
import { compensate, refundFor } from './compensate.ts';
import type { Order } from './order.ts';
import { MAX_TAKEN, type Ports, type Timeouts } from './ports.ts';

/** Ends the orders whose deadline has passed. Does not wait for their compensation, which asks the participants. */
export async function timeOutOrders({ ledger }: Ports, compensateSoon: (orders: Order[]) => void): Promise<void> {
  let ended: Order[];
  do {
    ended = await ledger.timeOut();
    compensateSoon(ended);
  } while (ended.length === MAX_TAKEN);
}

/** Takes up the compensations whose worker died or met an unknown. */
export async function compensatePending(ports: Ports, timeouts: Timeouts, untouchedForMs: number): Promise<void> {
  let pending: Order[];
  do {
    pending = await ports.ledger.takeCompensationPending(untouchedForMs);
    await compensate(pending, ports, timeouts);
  } while (pending.length === MAX_TAKEN);
}

/** Notes which refunds are done. */
export async function followRefunds({ ledger, payment }: Ports, timeouts: Timeouts): Promise<void> {
  const owed = await ledger.takeRefundsOwed();
  const outcomes = owed.map(async (orderId) => {
    const refund = refundFor(await payment.stateOf(orderId, timeouts.callMs()));
    return refund && refund !== 'owed' ? [{ orderId, refund }] : [];
  });
  await ledger.refunded((await Promise.all(outcomes)).flat());
}
