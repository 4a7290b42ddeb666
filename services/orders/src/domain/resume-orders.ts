// Orders finishes what it has a row of, whoever left it: time that is up, workers that died, closings cut short.
import { closeOrders } from './close-orders.ts';
import { carryOn } from './fulfil-orders.ts';
import { isUndecided, type Patience, type Ports } from './order.ts';

export async function resumeOrders(ports: Ports, patience: Patience, untouchedForMs: number): Promise<void> {
  await closeOrders(await ports.ledger.timeOut(), ports, patience);
  const unfinished = await ports.ledger.takeUnfinished(untouchedForMs);
  await closeOrders(
    unfinished.filter((order) => order.open),
    ports,
    patience,
  );
  await carryOn(unfinished.filter(isUndecided), ports, patience);
}
