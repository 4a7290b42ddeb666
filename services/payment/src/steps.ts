// The steps of an order in payment, as its trace shows them. With tracing off the ports are as they were.
import { withSteps } from '@flashsale/runtime/steps';
import type { Bank, ChargeItem, Ledger } from './domain/ports.ts';

const idOf = ({ orderId }: { orderId: string }) => orderId;

export const traced = <Traced extends { ledger: Ledger; bank: Bank }>(ports: Traced): Traced => ({
  ...ports,
  ledger: withSteps('ledger', ports.ledger, {
    request: (items: ChargeItem[]) => items.map(idOf),
    record: (_, orderId) => orderId,
    void: (orderIds) => orderIds,
  }),
  bank: withSteps('bank', ports.bank, { charge: idOf, reverse: (orderId) => orderId }),
});
