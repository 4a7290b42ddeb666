// An order that is not decided by its deadline is ended, whichever worker is at work on it, or none.
import type { Order } from './order.ts';
import { MAX_TAKEN, type Ports } from './ports.ts';

/** Does not wait for the compensations, which call the participants: one that hangs must not delay the next time-out. */
export async function timeOutOrders({ ledger }: Ports, compensateSoon: (orders: Order[]) => void): Promise<void> {
  let ended: Order[];
  do {
    ended = await ledger.timeOut();
    compensateSoon(ended);
  } while (ended.length === MAX_TAKEN);
}
