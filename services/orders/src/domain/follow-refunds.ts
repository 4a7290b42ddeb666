// Money that was taken and is owed: payment gives it back, orders records when that is done.
import { refundFor } from './compensate.ts';
import type { Ports, Timeouts } from './ports.ts';

export async function followRefunds({ ledger, payment }: Ports, timeouts: Timeouts): Promise<void> {
  const owed = await ledger.takeRefundsOwed();
  const outcomes = owed.map(async (orderId) => {
    const refund = refundFor(await payment.stateOf(orderId, timeouts.callMs));
    return refund && refund !== 'owed' ? [{ orderId, refund }] : [];
  });
  await ledger.refunded((await Promise.all(outcomes)).flat());
}
