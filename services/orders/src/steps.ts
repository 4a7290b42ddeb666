// The steps of an order in orders, as its trace shows them. With tracing off the ports are as they were.
import { withSteps } from '@flashsale/runtime/steps';
import type { Ports } from './domain/ports.ts';

const idOf = ({ orderId }: { orderId: string }) => orderId;
const idsOf = (items: { orderId: string }[]) => items.map(idOf);
const one = (orderId: string) => orderId;
const all = (orderIds: string[]) => orderIds;

export const traced = <Traced extends Ports>(ports: Traced): Traced => ({
  ...ports,
  ledger: withSteps('ledger', ports.ledger, {
    ...{ place: idsOf, reserve: idsOf, refuse: idsOf },
    ...{ requestPayment: one, confirm: all, decline: all },
    ...{ cancelReserved: one, cancelConfirmed: one, giveUp: idOf },
    ...{ compensated: idsOf, refunded: idsOf },
  }),
  inventory: withSteps('inventory', ports.inventory, { reserve: idsOf, confirm: one, release: idsOf }),
  payment: withSteps('payment', ports.payment, { charge: idOf, void: all, stateOf: one }),
});
