// What orders does, each story with the ports that it needs.
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { Config } from './config.ts';
import { fulfilOrders } from './domain/fulfil-orders.ts';
import type { Patience, Ports } from './domain/order.ts';
import { resumeOrders } from './domain/resume-orders.ts';

export function createStories(config: Config, ports: Ports) {
  /** Of the queue and of the resumer: nobody is on the line. */
  const patient: Patience = {
    callMs: () => config.RPC_DEADLINE_MS,
    chargeMs: () => config.CHARGE_PATIENCE_MS,
    wanted: () => true,
  };
  return {
    fulfil: (commands: OrderCommand[], patience = patient) => fulfilOrders(commands, ports, patience),
    /** Until there is nothing left to carry on. */
    async resume() {
      while ((await resumeOrders(ports, patient, config.RESUME_AFTER_MS)) > 0);
    },
  };
}
