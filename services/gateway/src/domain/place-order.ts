// One click: the gate says yes or no, then the order goes down its sale's road.
// `busy` always means that nothing happened; whoever cannot know that says `unknown`.
import type { OrderCommand } from '@flashsale/contracts/messages';
import type { Catalogue } from './catalogue.ts';
import {
  type Admission,
  type Gate,
  type OrderAnswer,
  type OrderQueue,
  type Orders,
  type OrderViews,
  UNDECIDED,
} from './ports.ts';
import type { Sale } from './sale.ts';

export type PlaceAnswer =
  | { kind: 'queued'; orderId: string }
  | { kind: 'confirmed'; order: OrderAnswer }
  | { kind: 'rejected'; order: OrderAnswer }
  | { kind: 'unknown'; orderId: string }
  | { kind: 'already-bought'; orderId: string }
  | { kind: 'sold-out' | 'not-open' | 'closed' | 'busy' };

export type EarlyRefusal = 'sold-out' | 'closed' | 'busy';

export interface PlacePorts {
  gate: Gate;
  queue: OrderQueue;
  orders: Orders;
  views: OrderViews;
  cap: Cap;
  catalogue: Catalogue;
  /** How long an order of that road may go without news before the sweeper looks at it. */
  dueInMs: { queued: number; direct: number };
  /** The gate is not the one that this gateway knows: have it looked at now, not only in a while. */
  lookAgain: () => void;
  warn: (orderId: string, error: unknown) => void;
}

/** What can be said before anybody looks at who is asking; `placeOrder` says it again for those who got past. */
export function refuseEarly(sale: Sale, { queue, cap, catalogue }: PlacePorts): EarlyRefusal | undefined {
  if (sale.closed) return 'closed';
  if (catalogue.soldOut(sale.id)) return 'sold-out';
  const room = sale.mode === 'direct' ? !cap.full() : queue.available();
  return room ? undefined : 'busy';
}

export const placeOrder = (sale: Sale, command: OrderCommand, ports: PlacePorts): Promise<PlaceAnswer> =>
  sale.mode === 'direct' ? placeDirect(command, ports) : placeQueued(command, ports);

/** The queue's road: yes as soon as the broker has the order for good, the result later. */
async function placeQueued(command: OrderCommand, ports: PlacePorts): Promise<PlaceAnswer> {
  const { gate, queue } = ports;
  const { orderId } = command;
  if (!queue.available()) return { kind: 'busy' };

  const admission = await gate.admit(command, ports.dueInMs.queued);
  if (admission.kind !== 'admitted') return refusal(admission, orderId, ports);

  const published = await queue.publish(command);
  if (published === 'unknown') return { kind: 'unknown', orderId };
  if (published !== 'confirmed') return giveBack(command, gate);

  // Nobody waits for this, and nobody loses if it fails: the sweeper and the next question make up for it.
  noteSent(command, ports).catch((error) => ports.warn(orderId, error));
  return { kind: 'queued', orderId };
}

/** The calls' road: the answer is the result, for as many at once as `cap` lets through. */
async function placeDirect(command: OrderCommand, ports: PlacePorts): Promise<PlaceAnswer> {
  const { gate, orders, cap } = ports;
  const { orderId } = command;
  if (!cap.enter()) return { kind: 'busy' };
  try {
    const admission = await gate.admit(command, ports.dueInMs.direct);
    if (admission.kind !== 'admitted') return refusal(admission, orderId, ports);

    const order = await orders.place(command);
    if (order === 'shed') return giveBack(command, gate);
    if (order === 'unknown') return { kind: 'unknown', orderId };
    if (order.status === 'confirmed') return { kind: 'confirmed', order };
    return order.status === 'rejected' ? { kind: 'rejected', order } : { kind: 'unknown', orderId };
  } finally {
    cap.leave();
  }
}

async function noteSent(command: OrderCommand, { gate, views }: PlacePorts): Promise<void> {
  const { orderId, saleId, buyerId, quantity } = command;
  await Promise.all([
    gate.markSent(command),
    views.show({ ...UNDECIDED, orderId, saleId, buyerId, quantity, status: 'queued' }),
  ]);
}

function refusal(
  admission: Exclude<Admission, { kind: 'admitted' }>,
  orderId: string,
  { lookAgain }: PlacePorts,
): PlaceAnswer {
  if (admission.kind === 'unknown') return { kind: 'unknown', orderId };
  if (admission.kind !== 'stale') return admission;
  lookAgain();
  return { kind: 'busy' };
}

async function giveBack(command: OrderCommand, gate: Gate): Promise<PlaceAnswer> {
  const refused = await gate.refuse(command).catch(() => false);
  return refused ? { kind: 'busy' } : { kind: 'unknown', orderId: command.orderId };
}

export interface Cap {
  full(): boolean;
  enter(): boolean;
  leave(): void;
}

export function createCap(most: number): Cap {
  let inside = 0;
  return {
    full: () => inside >= most,
    enter: () => inside < most && ++inside > 0,
    leave: () => {
      inside -= 1;
    },
  };
}
