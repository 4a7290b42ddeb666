// The ledger of stage 2, where every order is on its own: statements for single orders share one with those of the same
// few milliseconds.
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Order } from '../domain/order.ts';
import type { Ledger } from '../domain/ports.ts';

const GATHER_MS = 5;

export const coalesced = (ledger: Ledger): Ledger => ({
  ...ledger,
  confirm: gathered(ledger.confirm),
  decline: gathered(ledger.decline),
  read: gathered(ledger.read),
});

function gathered(statement: (orderIds: string[]) => Promise<Order[]>): (orderIds: string[]) => Promise<Order[]> {
  const rowOf = groupCommit<string, Order | undefined>(GATHER_MS, async (orderIds) => {
    // A message that is delivered twice may be here twice.
    const rows = new Map((await statement([...new Set(orderIds)])).map((row) => [row.orderId, row]));
    return (orderId) => rows.get(orderId);
  });
  return async (orderIds) => {
    const rows = await Promise.all(orderIds.map(rowOf));
    return rows.filter((row) => row !== undefined);
  };
}
