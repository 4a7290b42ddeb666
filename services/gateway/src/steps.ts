// The steps of an order in the gateway, as its trace shows them. With tracing off the ports are as they were.
import { begin, withSteps } from '@flashsale/runtime/steps';
import { tracing } from '@flashsale/runtime/trace';
import type { Gate, Orders } from './domain/ports.ts';

const idOf = ({ orderId }: { orderId: string }) => orderId;

export const traced = <Traced extends { gate: Gate; orders: Orders }>(ports: Traced): Traced => ({
  ...ports,
  gate: withSteps('gate', beginning(ports.gate), { markSent: idOf, refuse: idOf }),
  orders: withSteps('orders', ports.orders, {
    ...{ place: idOf, pay: idOf, cancel: idOf, cancelConfirmed: (orderId) => orderId, giveUp: idOf },
  }),
});

/** A trace begins once the order is known to be there: a click that is refused has none. */
function beginning(gate: Gate): Gate {
  if (!tracing.on) return gate;
  return {
    ...gate,
    async admit(command, options) {
      const startTime = Date.now();
      const admission = await gate.admit(command, options);
      if (admission.kind === 'admitted' || admission.kind === 'unknown')
        begin(command.orderId, 'gate.admit', startTime);
      return admission;
    },
  };
}
