// The money at rest: orders and payment against the bank's own statement.
import type { BankCharge } from '../clients/bank.ts';
import { type Check, each, same, sum } from './check.ts';
import { capturesOf, isConfirmed, isEnded, type Order, type Reading, type Sale } from './reading.ts';

export function moneyChecks({ orders, charges, statement, sales }: Reading): Check[] {
  const all = [...orders.values()];
  const captures = new Map(capturesOf(statement).map((charge) => [charge.key, charge]));
  const saleOf = (orderId: string) => orders.get(orderId)?.saleId ?? null;
  const inState = (state: string) => [...charges.values()].filter((charge) => charge.state === state).map(idOf);
  const refunded = new Set(all.filter(({ refund }) => refund === 'done').map(idOf));
  const given = statement.charges.filter(({ status }) => status === 'reversed').map(({ key }) => ({ orderId: key }));
  const atTheBank = new Set(captures.keys());
  return [
    ...same(`rest: captured charges = the bank's captures`, new Set(inState('captured')), atTheBank, saleOf),
    each('rest: ended orders are not captured at the bank', null, all.filter(isEnded), (o) => !captures.has(o.orderId)),
    ...same('rest: refunded orders = reversed charges', refunded, new Set(inState('reversed')), saleOf),
    // Not the reverse: a charge that is reversed before its turn at the bank never appears on the statement.
    each(`rest: the bank's reversals are refunded orders`, null, given, ({ orderId }) => refunded.has(orderId)),
    ...sales.map((sale) => paidCheck(sale, all.filter(isConfirmed), captures)),
  ];
}

const idOf = ({ orderId }: { orderId: string }) => orderId;

/** In minor units. Equal sums are not enough: each order must have paid its own price. */
function paidCheck(sale: Sale, allConfirmed: Order[], captures: Map<string, BankCharge>): Check {
  const { saleId, price } = sale;
  const confirmed = allConfirmed.filter((order) => order.saleId === saleId);
  const paid = ({ orderId }: Order) => captures.get(orderId)?.amountMinor ?? 0;
  const owed = ({ quantity }: Order) => quantity * price.amountMinor;
  const holds = (order: Order) =>
    paid(order) === owed(order) && captures.get(order.orderId)?.currency === price.currency;
  return {
    ...each('rest: captured minor units = price × quantity', saleId, confirmed, holds),
    left: sum(confirmed.map(paid)),
    terms: [sum(confirmed.map(owed))],
  };
}
