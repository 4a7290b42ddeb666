// One click: the gate says yes or no, then the order goes down its sale's road.
// `busy` always means that nothing happened; whoever cannot know that says `unknown`.
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { Cap } from './cap.ts';
import type { Catalogue } from './catalogue.ts';
import { UNDECIDED, viewOf } from './order-view.ts';
import { type EarlyRefusal, type PlaceAnswer, resultOf } from './place-answer.ts';
import type { Admission, Gate, OrderQueue, Orders, OrderViews } from './ports.ts';
import { repeatOrder } from './repeat-order.ts';
import type { Sale } from './sale.ts';

export interface Click {
  command: OrderCommand;
  /** Whoever sends the same again means the same order. */
  idempotencyKey?: string | undefined;
}

export interface PlacePorts {
  gate: Gate;
  queue: OrderQueue;
  orders: Orders;
  views: OrderViews;
  cap: Cap;
  catalogue: Catalogue;
  /** How long an order of that road may go without news before the sweeper looks at it. */
  dueInMs: { queued: number; direct: number };
  /** How long the first answer to a click of that road may take. */
  answersWithinMs: { queued: number; direct: number };
  /** The gate is not the one that this gateway knows: have it looked at now, not only in a while. */
  lookAgain: () => void;
  warn: (orderId: string, error: unknown) => void;
}

/** What can be said before anybody looks at who is asking; `placeOrder` says it again for those who got past. */
export function refuseEarly(sale: Sale, { queue, orders, cap, catalogue }: PlacePorts): EarlyRefusal | undefined {
  if (sale.closed) return 'closed';
  if (catalogue.soldOut(sale.id)) return 'sold-out';
  const room = sale.mode === 'direct' ? orders.available() && !cap.full() : queue.available();
  return room ? undefined : 'busy';
}

export async function placeOrder(sale: Sale, click: Click, ports: PlacePorts): Promise<PlaceAnswer> {
  const before = await heardBefore(sale, click, ports);
  if (before) return before;
  if (click.command.quantity > sale.perBuyerLimit) return { kind: 'limit' };
  return sale.mode === 'direct' ? placeDirect(sale, click, ports) : placeQueued(sale, click, ports);
}

/** The queue's road: yes as soon as the broker has the order for good, the result later. */
async function placeQueued(sale: Sale, click: Click, ports: PlacePorts): Promise<PlaceAnswer> {
  const { command, idempotencyKey } = click;
  const { gate, queue } = ports;
  const { orderId } = command;
  if (!queue.available()) return { kind: 'busy' };

  const admission = await gate.admit(command, ports.dueInMs.queued, idempotencyKey);
  if (admission.kind !== 'admitted') return notAdmitted(admission, sale, click, ports);

  const published = await queue.publish(command);
  if (published === 'unknown') return { kind: 'unknown', orderId };
  if (published !== 'confirmed') return giveBack(command, gate);

  // Nobody waits for this, and nobody loses if it fails: the sweeper and the next question make up for it.
  noteSent(command, ports).catch((error) => ports.warn(orderId, error));
  return { kind: 'queued', orderId };
}

/** The calls' road: the answer is the result, for as many at once as `cap` lets through. */
async function placeDirect(sale: Sale, click: Click, ports: PlacePorts): Promise<PlaceAnswer> {
  const { command, idempotencyKey } = click;
  const { gate, orders, cap } = ports;
  const { orderId } = command;
  if (!orders.available()) return { kind: 'busy' };
  if (!cap.enter()) return { kind: 'busy' };
  try {
    const admission = await gate.admit(command, ports.dueInMs.direct, idempotencyKey);
    if (admission.kind !== 'admitted') return await notAdmitted(admission, sale, click, ports);

    const order = await orders.place(command);
    if (order === 'shed') return giveBack(command, gate);
    if (order === 'unknown') return { kind: 'unknown', orderId };
    return resultOf(viewOf(order)) ?? { kind: 'unknown', orderId };
  } finally {
    cap.leave();
  }
}

/** Asked before there is a question of room: whoever asks again takes none. */
async function heardBefore(sale: Sale, click: Click, ports: PlacePorts) {
  const { command, idempotencyKey } = click;
  if (!idempotencyKey) return undefined;
  const first = await ports.gate.recall(command, idempotencyKey);
  if (first === 'stale') return notAdmitted({ kind: 'stale' }, sale, click, ports);
  return first ? repeatOrder(sale, first, command, idempotencyKey, ports) : undefined;
}

async function noteSent(command: OrderCommand, { gate, views }: PlacePorts): Promise<void> {
  const { orderId, saleId, buyerId, quantity } = command;
  await Promise.all([
    gate.markSent(command),
    views.show({ ...UNDECIDED, orderId, saleId, buyerId, quantity, status: 'queued' }),
  ]);
}

async function notAdmitted(
  admission: Exclude<Admission, { kind: 'admitted' }>,
  sale: Sale,
  { command, idempotencyKey = '' }: Click,
  ports: PlacePorts,
): Promise<PlaceAnswer> {
  if (admission.kind === 'repeated') return repeatOrder(sale, admission.first, command, idempotencyKey, ports);
  if (admission.kind === 'unknown') return { kind: 'unknown', orderId: command.orderId };
  if (admission.kind !== 'stale') return admission;
  ports.lookAgain();
  return { kind: 'busy' };
}

async function giveBack(command: OrderCommand, gate: Gate): Promise<PlaceAnswer> {
  const refused = await gate.refuse(command).catch(() => false);
  return refused ? { kind: 'busy' } : { kind: 'unknown', orderId: command.orderId };
}
