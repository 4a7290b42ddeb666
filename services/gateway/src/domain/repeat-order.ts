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
  idempotencyKey: string,
  ports: RepeatPorts,
): Promise<PlaceAnswer> {
  if (quantity !== command.quantity) return { kind: 'key-reused', orderId };
  const first = { ...command, orderId };
  const giveUpAt = performance.now() + ports.answersWithinMs[sale.mode];
  do {
    const answer = await answerOf(sale, first, ports).catch(() => undefined);
    if (answer) return answer;
    await sleep(LOOK_AGAIN_MS);
    if (!(await isStillMeant(first, idempotencyKey, ports))) return { kind: 'busy' };
  } while (performance.now() < giveUpAt);
  return (await neverCame(first, ports).catch(() => undefined)) ?? { kind: 'unknown', orderId };
}

/** Undefined while the first request may still be on its way. */
async function answerOf(sale: Sale, first: OrderCommand, { gate, orders }: RepeatPorts) {
  const queued: PlaceAnswer = { kind: 'queued', orderId: first.orderId };
  const state = sale.mode === 'queued' && (await gate.stateOf(first));
  if (state === 'sent' || state === 'sold') return queued;
  const order = (await orders.get([first.orderId])).get(first.orderId);
  if (!order) return undefined;
  return sale.mode === 'queued' ? queued : resultOf(viewOf(order));
}

/** A first request that was refused takes its key with it: nothing happened, to either of the two. */
async function isStillMeant(first: OrderCommand, idempotencyKey: string, { gate }: RepeatPorts): Promise<boolean> {
  const known = await gate.recall(first, idempotencyKey);
  return known === 'stale' || known?.orderId === first.orderId;
}

/** An order that nobody has, neither its gate nor orders, was lost with an earlier gate: it is made sure that it never comes. */
async function neverCame(first: OrderCommand, { gate, orders }: RepeatPorts): Promise<PlaceAnswer | undefined> {
  if ((await gate.stateOf(first)) !== null) return undefined;
  return resultOf(viewOf(await orders.cancel(first)));
}
