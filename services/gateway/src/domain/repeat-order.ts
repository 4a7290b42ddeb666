// The same idempotency key again: the same order, and the answer that its first request got or is about to get.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { viewOf } from './order-view.ts';
import { type PlaceAnswer, resultOf } from './place-answer.ts';
import type { FirstOrder, Gate, Orders } from './ports.ts';
import type { Sale } from './sale.ts';

const LOOK_AGAIN_MS = 100;

interface RepeatPorts {
  gate: Gate;
  orders: Orders;
  /** How long the first answer to a click of that road may take. */
  answersWithinMs: { queued: number; direct: number };
}

export async function repeatOrder(
  sale: Sale,
  { orderId, quantity }: FirstOrder,
  command: OrderCommand,
  ports: RepeatPorts,
): Promise<PlaceAnswer> {
  if (quantity !== command.quantity) return { kind: 'key-reused', orderId };
  const giveUpAt = performance.now() + ports.answersWithinMs[sale.mode];
  do {
    const answer = await answerOf(sale, orderId, ports).catch(() => undefined);
    if (answer) return answer;
    await sleep(LOOK_AGAIN_MS);
  } while (performance.now() < giveUpAt);
  return { kind: 'unknown', orderId };
}

/** Undefined while the first request may still be on its way. */
async function answerOf(sale: Sale, orderId: string, { gate, orders }: RepeatPorts): Promise<PlaceAnswer | undefined> {
  if (sale.mode === 'queued' && (await gate.isSent({ saleId: sale.id, orderId }))) return { kind: 'queued', orderId };
  const order = (await orders.get([orderId])).get(orderId);
  if (!order) return undefined;
  return sale.mode === 'queued' ? { kind: 'queued', orderId } : resultOf(viewOf(order));
}
