// Whatever was admitted and not heard of again: asked about, or sent again; never undone on a guess.
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { DueRecord, Gate, OrderAnswer, OrderQueue, Orders } from './ports.ts';
import type { Sale } from './sale.ts';

export interface SweepPorts {
  gate: Gate;
  queue: OrderQueue;
  orders: Orders;
  settle: (order: OrderAnswer, epoch: number) => Promise<void>;
  directDeadlineMs: number;
}

/** Answers how many records were due. */
export async function sweep(sale: Sale, ports: SweepPorts): Promise<number> {
  const { epoch, records } = await ports.gate.claim(sale.id);
  const unsent = records.filter((record) => sale.mode === 'queued' && record.state === 'unsent');
  await Promise.all(unsent.map((record) => sendAgain(sale, record, ports)));

  const asked = records.filter((record) => !unsent.includes(record));
  const known = asked.length ? await ports.orders.get(asked.map((record) => record.orderId)) : new Map();
  await Promise.all(
    asked.map(async (record) => {
      const order = known.get(record.orderId);
      if (order?.settled) await ports.settle(order, epoch);
      // With a row that is not settled, orders itself finishes it: look again when the lease ends.
      if (!order) await neverArrived(sale, record, epoch, ports);
    }),
  );
  return records.length;
}

async function sendAgain(sale: Sale, { orderId, command }: DueRecord, { gate, queue }: SweepPorts) {
  if (!command || !queue.available()) return;
  if ((await queue.publish(command)) === 'confirmed') await gate.markSent({ saleId: sale.id, orderId });
}

async function neverArrived(sale: Sale, record: DueRecord, epoch: number, ports: SweepPorts) {
  if (sale.mode === 'queued' && record.command) return sendAgain(sale, record, ports);
  // A call is never placed a second time; until twice its deadline has passed it may still be on its way.
  const { command } = record;
  if (command && Date.now() < command.decideByMs + ports.directDeadlineMs) return;
  const { orderId, buyerId, quantity } = record;
  const unheardOf: OrderCommand = { orderId, saleId: sale.id, buyerId, quantity, epoch, decideByMs: Date.now() };
  const order = await ports.orders.cancel(command ?? unheardOf);
  if (order.status === 'cancelled' && order.settled) await ports.settle(order, epoch);
}
