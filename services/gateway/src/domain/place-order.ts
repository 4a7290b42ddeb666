// One click: the gate says yes or no, then the order goes down its sale's road.
// `busy` always means that nothing happened; whoever cannot know that says `unknown`.
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { Gate, OrderAnswer, OrderQueue, Orders } from './ports.ts';

export type PlaceAnswer =
  | { kind: 'queued'; orderId: string }
  | { kind: 'confirmed'; order: OrderAnswer }
  | { kind: 'rejected'; order: OrderAnswer }
  | { kind: 'unknown'; orderId: string }
  | { kind: 'already-bought'; orderId: string }
  | { kind: 'sold-out' | 'not-open' | 'closed' | 'busy' };

/** The queue's road: yes as soon as the broker has the order for good, the result later. */
export async function placeQueued(
  command: OrderCommand,
  {
    gate,
    queue,
    dueInMs,
    sent,
  }: { gate: Gate; queue: OrderQueue; dueInMs: number; sent: (command: OrderCommand) => void },
): Promise<PlaceAnswer> {
  const { orderId } = command;
  if (!queue.available()) return { kind: 'busy' };

  const admission = await gate.admit(command, dueInMs);
  if (admission.kind !== 'admitted') return refusal(admission, orderId);

  const published = await queue.publish(command);
  if (published === 'unknown') return { kind: 'unknown', orderId };
  if (published !== 'confirmed') return giveBack(command, gate);

  sent(command);
  return { kind: 'queued', orderId };
}

/** The calls' road: the answer is the result, for as many at once as `cap` lets through. */
export async function placeDirect(
  command: OrderCommand,
  { gate, orders, cap, dueInMs }: { gate: Gate; orders: Orders; cap: Cap; dueInMs: number },
): Promise<PlaceAnswer> {
  const { orderId } = command;
  if (!cap.enter()) return { kind: 'busy' };
  try {
    const admission = await gate.admit(command, dueInMs);
    if (admission.kind !== 'admitted') return refusal(admission, orderId);

    const order = await orders.place(command);
    if (order === 'shed') return giveBack(command, gate);
    if (order === 'unknown') return { kind: 'unknown', orderId };
    if (order.status === 'confirmed') return { kind: 'confirmed', order };
    return order.status === 'rejected' ? { kind: 'rejected', order } : { kind: 'unknown', orderId };
  } finally {
    cap.leave();
  }
}

function refusal(admission: Exclude<Awaited<ReturnType<Gate['admit']>>, { kind: 'admitted' }>, orderId: string) {
  if (admission.kind === 'unknown') return { kind: 'unknown', orderId } as const;
  if (admission.kind === 'stale') return { kind: 'busy' } as const;
  return admission;
}

async function giveBack(command: OrderCommand, gate: Gate): Promise<PlaceAnswer> {
  const refused = await gate.refuse(command).catch(() => false);
  return refused ? { kind: 'busy' } : { kind: 'unknown', orderId: command.orderId };
}

export interface Cap {
  enter(): boolean;
  leave(): void;
}

export function createCap(most: number): Cap {
  let inside = 0;
  return {
    enter: () => inside < most && ++inside > 0,
    leave: () => {
      inside -= 1;
    },
  };
}
