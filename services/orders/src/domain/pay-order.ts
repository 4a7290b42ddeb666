// Stage 2: an order whose payment was requested is charged once, and then confirmed or declined.
import type { PaymentDue } from '@flashsale/contracts/messages';
import type { ChargeState } from '@flashsale/contracts/wire';
import { compensate } from './compensate.ts';
import { isDue, type Order } from './order.ts';
import type { Ports, Timeouts } from './ports.ts';

const UNCHARGED = new Set<ChargeState | undefined>(['declined', 'voided', 'reversing', 'reversed']);

/** Returns the order's row as it is afterwards; still due: something is unknown, and the payment is repeated. */
export async function payOrder(order: Order, ports: Ports, timeouts: Timeouts): Promise<Order> {
  const { orderId, saleId, amount } = order;
  if (!isDue(order) || !amount) return order;
  return (await payDue({ orderId, saleId, amount }, ports, timeouts)) ?? order;
}

/**
 * The same for a message, whose row is not read first: an order that ended meanwhile was voided, so its charge is
 * refused, and the statements are conditional. Undefined: there is no such row.
 */
export async function payDue(due: PaymentDue, ports: Ports, timeouts: Timeouts): Promise<Order | undefined> {
  return (await decide(due, ports, timeouts)) ?? (await ports.ledger.read([due.orderId]))[0];
}

/** The row that this decided; undefined when something is unknown as yet, or when it was decided elsewhere. */
async function decide({ orderId, amount }: PaymentDue, ports: Ports, timeouts: Timeouts) {
  const { ledger, inventory, payment } = ports;
  const charge = await payment.charge({ orderId, amount }, timeouts.chargeMs());
  if (UNCHARGED.has(charge)) return decline(orderId, ports, timeouts);
  if (charge !== 'captured') return undefined;

  // The unit first: a confirmed row is final, and a redelivery would not find anything left to do.
  const unit = await inventory.confirm(orderId, timeouts.callMs());
  if (unit !== 'sold') return undefined;
  return (await ledger.confirm([orderId]))[0];
}

async function decline(orderId: string, ports: Ports, timeouts: Timeouts): Promise<Order | undefined> {
  const [declined] = await ports.ledger.decline([orderId]);
  if (!declined) return undefined;
  const [compensated] = await compensate([declined], ports, timeouts);
  return compensated ?? declined;
}
