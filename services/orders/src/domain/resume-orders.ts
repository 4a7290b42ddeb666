// Orders finishes what it has a row of, whoever left it: time that is up, workers that died, closings cut short.
import { closeOrders } from './close-orders.ts';
import { carryOn } from './fulfil-orders.ts';
import { isUndecided, type Patience, type Ports } from './order.ts';

/** Answers how many rows it found to work on. */
export async function resumeOrders(ports: Ports, patience: Patience, untouchedForMs: number): Promise<number> {
  const late = await ports.ledger.timeOut();
  await closeOrders(late, ports, patience);
  const unfinished = await ports.ledger.takeUnfinished(untouchedForMs);
  const open = unfinished.filter((order) => order.open);
  await closeOrders(open, ports, patience);
  await carryOn(unfinished.filter(isUndecided), ports, patience);
  return late.length + unfinished.length;
}
