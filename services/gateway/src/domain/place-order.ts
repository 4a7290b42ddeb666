// One click: the gate admits it or not, then the order takes the path of its sale.
// `busy` always means that nothing happened; when that is not certain, the outcome is `unknown`.
import { type Choice, choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import type { Catalogue } from './catalogue.ts';
import { type Room, type RoomPorts, refuseBusy, takeRoom } from './limits.ts';
import { UNDECIDED, viewOf } from './order-view.ts';
import { type PlaceOutcome, resultOf } from './place-outcome.ts';
import type { Admission, Gate, OrderQueue, Orders, OrderViews } from './ports.ts';
import type { WaitingEstimate } from './queue-progress.ts';
import type { RepeatOrder } from './repeat-order.ts';
import { isLongOver, type Sale } from './sale.ts';

/** An admit that arrives later than this does nothing, so that an id that is 30 s old and unknown never was. */
const ADMIT_WITHIN_MS = 3_000;

export interface Click extends Choice {
  buyerId: string;
  /** The same key again means the same order. */
  idempotencyKey?: string | undefined;
  /** Given when the client has gone; made only for a click that waits for an earlier one. */
  whenGone: () => AbortSignal;
}

export interface PlacePorts extends RoomPorts {
  gate: Gate;
  queue: OrderQueue;
  orders: Orders;
  views: OrderViews;
  catalogue: Catalogue;
  estimate: WaitingEstimate;
  repeatOrder: RepeatOrder;
  mintId: (msecs: number) => string;
  /** The longest that each path may take; a direct order is decided by then, or not at all. */
  respondsWithinMs: { queued: number; direct: number };
  /** How long an order of that path may be without a result before the sweeper checks it. */
  dueInMs: { queued: number; direct: number };
  warn: (orderId: string, error: unknown) => void;
}

export async function placeOrder(sale: Sale, click: Click, ports: PlacePorts): Promise<PlaceOutcome> {
  const refusal = click.quantity > sale.perBuyerLimit ? { kind: 'limit' as const } : refuseBusy(sale, ports);
  // A retry with a known key must not need room; with room, admit finds it by itself.
  if (refusal) return (await placedBefore(sale, click, ports)) ?? refusal;
  const room = takeRoom(sale, ports);
  if (!room) return { kind: 'busy' };
  try {
    const mintedAtMs = Math.floor(ports.clock.nowMs() ?? 0);
    const command = commandOf(sale, click, mintedAtMs, ports);
    const admission = await admit(command, mintedAtMs, click, room, ports);
    if (admission.kind !== 'admitted') return await notAdmitted(admission, command, sale, click, ports);
    const place = sale.mode === 'direct' ? placeDirect : placeQueued;
    return await place(sale, command, admission.position, room, ports);
  } finally {
    room.leave();
  }
}

/** Done as soon as the broker has confirmed the order; the result comes later. */
async function placeQueued(sale: Sale, command: OrderCommand, position: number, room: Room, ports: PlacePorts) {
  const { gate, queue, estimate } = ports;
  const began = performance.now();
  const published = await queue.publish(command);
  room.path.note(published !== 'unknown' || !timedOut(began, ports.respondsWithinMs.queued));
  if (published === 'unknown') return unknown(command);
  if (published !== 'confirmed') return giveBack(command, gate);

  // In the background: if it fails, the sweeper publishes once more, which is harmless.
  noteSent(command, ports).catch((error) => ports.warn(command.orderId, error));
  return { kind: 'queued', orderId: command.orderId, waitMs: estimate.waitMs(sale.id, position) } as const;
}

/** Done with the result. */
async function placeDirect(sale: Sale, command: OrderCommand, _position: number, room: Room, ports: PlacePorts) {
  const { gate, orders, views } = ports;
  const began = performance.now();
  const order = await orders.place(command);
  room.path.note(order !== 'unknown' || !timedOut(began, ports.respondsWithinMs.direct));
  if (order === 'shed') return giveBack(command, gate);
  if (order === 'unknown') return unknown(command);
  views.show(viewOf(order)).catch((error) => ports.warn(command.orderId, error));
  return (await resultOf(viewOf(order), sale, gate)) ?? unknown(command);
}

function commandOf(sale: Sale, click: Click, mintedAtMs: number, ports: PlacePorts): OrderCommand {
  const { id: saleId, epoch, mode } = sale;
  const decideWithinMs = mode === 'direct' ? ports.respondsWithinMs.direct : sale.decideWithinSeconds * 1_000;
  const ids = { orderId: ports.mintId(mintedAtMs), saleId, buyerId: click.buyerId };
  return { ...ids, ...choiceOf(click), epoch, mode, deadlineMs: mintedAtMs + decideWithinMs };
}

async function admit(command: OrderCommand, mintedAtMs: number, click: Click, room: Room, ports: PlacePorts) {
  const { gate, estimate, dueInMs } = ports;
  const { idempotencyKey } = click;
  const options = { untilMs: mintedAtMs + ADMIT_WITHIN_MS, dueInMs: dueInMs[command.mode], idempotencyKey };
  const admission = await gate.admit(command, options).finally(room.admitted);
  room.redis.note(admission.kind !== 'unknown');
  if (admission.kind === 'admitted') estimate.see(command.saleId, admission.position);
  return admission;
}

async function notAdmitted(
  admission: Exclude<Admission, { kind: 'admitted' }>,
  command: OrderCommand,
  sale: Sale,
  click: Click,
  ports: PlacePorts,
): Promise<PlaceOutcome> {
  if (admission.kind === 'repeated') return ports.repeatOrder(sale, admission.first, click);
  if (admission.kind === 'unknown') return unknown(command);
  return admission.kind === 'unavailable' ? gateAway(sale, ports) : admission;
}

/** No gate that can be believed: there will be one again, but for a sale that is long over. */
function gateAway(sale: Sale, { clock, catalogue }: PlacePorts): PlaceOutcome {
  if (isLongOver(sale, clock.nowMs() ?? 0)) return { kind: 'closed' };
  catalogue.requestRefresh();
  return { kind: 'busy' };
}

/** The outcome of the first request with that key, if there was one. */
async function placedBefore(sale: Sale, click: Click, ports: PlacePorts): Promise<PlaceOutcome | undefined> {
  const { buyerId, idempotencyKey } = click;
  if (!idempotencyKey || !ports.breakers.redis.closed()) return undefined;
  const first = await ports.gate.recall({ saleId: sale.id, buyerId }, idempotencyKey);
  if (first === 'unavailable') return gateAway(sale, ports);
  return first ? ports.repeatOrder(sale, first, click) : undefined;
}

async function noteSent(command: OrderCommand, { gate, views }: PlacePorts): Promise<void> {
  const { mode: _, deadlineMs: __, ...admitted } = command;
  const view = { ...UNDECIDED, ...admitted, status: 'queued' as const };
  await Promise.all([gate.markSent(command), views.show(view)]);
}

async function giveBack(command: OrderCommand, gate: Gate): Promise<PlaceOutcome> {
  const refused = await gate.refuse(command).catch(() => false);
  return refused ? { kind: 'busy' } : unknown(command);
}

/** A call that failed at once had a response; the clocks of a call and of its timer differ a little. */
const timedOut = (began: number, withinMs: number) => performance.now() - began > 0.9 * withinMs;

const unknown = ({ orderId, epoch }: OrderCommand) => ({ kind: 'unknown', orderId, epoch }) as const;
