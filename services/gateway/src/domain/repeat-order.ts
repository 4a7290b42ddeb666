// The same idempotency key again: the same order, and the outcome that its first request had or is about to have.
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type AdmittedOrder, type Choice, choiceOf } from '@flashsale/contracts/messages';
import { viewOf } from './order-view.ts';
import { type PlaceOutcome, resultOf } from './place-outcome.ts';
import type { Clock, FirstOrder, Gate, Orders } from './ports.ts';
import type { WaitingEstimate } from './queue-progress.ts';
import type { Sale } from './sale.ts';

const POLL_MS = { first: 100, longest: 1_000 };

export interface Repeat extends Choice {
  buyerId: string;
  idempotencyKey?: string | undefined;
  /** Given when the client has gone. */
  whenGone: () => AbortSignal;
}

export type RepeatOrder = (sale: Sale, first: FirstOrder, repeat: Repeat) => Promise<PlaceOutcome>;

export interface RepeatPorts {
  gate: Gate;
  orders: Orders;
  clock: Clock;
  estimate: Pick<WaitingEstimate, 'waitMs'>;
  /** How long the first click of that path may take. */
  respondsWithinMs: { queued: number; direct: number };
}

/** However many requests repeat one order, one of them polls, and it stops when the last client has gone. */
export function createRepeatOrder(ports: RepeatPorts): RepeatOrder {
  const polls = new Map<string, SharedPoll>();

  return async (sale, { orderId, ...choice }, repeat) => {
    if (!isDeepStrictEqual(choice, choiceOf(repeat))) return { kind: 'key-reused', orderId };
    const poll = polls.get(orderId) ?? startPoll((signal) => outcomeOf(sale, orderId, repeat, signal, ports));
    polls.set(orderId, poll);
    poll.join(repeat.whenGone());
    return poll.outcome.finally(() => polls.delete(orderId));
  };
}

interface SharedPoll {
  outcome: Promise<PlaceOutcome>;
  join(signal: AbortSignal): void;
}

function startPoll(work: (signal: AbortSignal) => Promise<PlaceOutcome>): SharedPoll {
  const abandoned = new AbortController();
  let clients = 0;
  return {
    outcome: work(abandoned.signal),
    join(signal) {
      clients += 1;
      const leave = () => {
        clients -= 1;
        if (clients === 0) abandoned.abort();
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
    },
  };
}

async function outcomeOf(
  sale: Sale,
  orderId: string,
  repeat: Repeat,
  signal: AbortSignal,
  ports: RepeatPorts,
): Promise<PlaceOutcome> {
  const order = { orderId, saleId: sale.id, buyerId: repeat.buyerId, ...choiceOf(repeat) };
  const giveUpAt = performance.now() + ports.respondsWithinMs[sale.mode];
  for (let pauseMs = POLL_MS.first; !signal.aborted; pauseMs = Math.min(2 * pauseMs, POLL_MS.longest)) {
    const outcome = await firstOutcome(sale, order, ports).catch(() => undefined);
    if (outcome) return outcome;
    if (performance.now() >= giveUpAt) break;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    if (!(await isStillMeant(order, repeat, ports))) return { kind: 'busy' };
  }
  const unknown: PlaceOutcome = { kind: 'unknown', orderId, epoch: 0 };
  if (signal.aborted) return unknown;
  return (await neverAdmitted(sale, order, ports).catch(() => undefined)) ?? unknown;
}

type First = Omit<AdmittedOrder, 'epoch'>;

/** Undefined while the first request may still be on its way. */
async function firstOutcome(sale: Sale, first: First, ports: RepeatPorts): Promise<PlaceOutcome | undefined> {
  const { gate, orders, estimate } = ports;
  const queued: PlaceOutcome = { kind: 'queued', orderId: first.orderId };
  const [state, position] =
    sale.mode === 'queued' ? await Promise.all([gate.stateOf(first), gate.position(first)]) : [];
  if (state === 'sent' || state === 'sold')
    return position ? { ...queued, waitMs: estimate.waitMs(sale.id, position) } : queued;
  const order = (await orders.get([first.orderId])).get(first.orderId);
  if (!order) return undefined;
  return sale.mode === 'queued' ? queued : resultOf(viewOf(order), sale, gate);
}

/** A first request that was refused takes its key with it: nothing happened, to either of the two. */
async function isStillMeant(first: First, { idempotencyKey = '' }: Repeat, { gate }: RepeatPorts): Promise<boolean> {
  const known = await gate.recall(first, idempotencyKey);
  return known === 'unavailable' || known?.orderId === first.orderId;
}

/** Neither this gate nor orders knows the id: it was lost with an earlier gate. It is given up, so that it cannot be fulfilled later. */
async function neverAdmitted(sale: Sale, first: First, ports: RepeatPorts): Promise<PlaceOutcome | undefined> {
  const { gate, orders, clock } = ports;
  if (!(await gate.absent(first, sale.epoch))) return undefined;
  const { epoch, mode } = sale;
  const given = await orders.giveUp({ ...first, epoch, mode, deadlineMs: clock.nowMs() ?? 0 });
  return resultOf(viewOf(given), sale, gate);
}
