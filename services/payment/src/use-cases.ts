// The use cases of payment, each with the ports that it needs.
import type { Log } from '@flashsale/runtime/log';
import { createChargeOrders } from './domain/charge-orders.ts';
import type { Ports } from './domain/ports.ts';
import { createReversals } from './domain/reverse-charges.ts';

export type UseCases = ReturnType<typeof createUseCases>;

export function createUseCases({ ledger, bank }: Ports, log: Log) {
  const reversals = createReversals(ledger, bank);
  return {
    charge: createChargeOrders(ledger, bank, log),
    void: reversals.void,
    findCharge: ledger.find,
    startReversals: reversals.start,
    reversalsEnded: reversals.ended,
  };
}
