// Requests that stay open until there is something to send, and `Prefer: wait=N` (RFC 7240), the queue used as if it
// were a call: the response is held until the order has a result.
import { mintedAt } from '@flashsale/contracts/ids';
import type { Request, Response } from 'express';
import type { FoundOrder, OrderRef } from '../domain/find-order.ts';
import { untilOutcome } from '../domain/follow-order.ts';
import type { LimitPerKey } from '../domain/limits.ts';
import type { OrderView } from '../domain/order-view.ts';
import type { PlaceOutcome } from '../domain/place-outcome.ts';
import type { Sale } from '../domain/sale.ts';

const LONGEST_S = 30;

export interface ListeningPorts {
  followOrder: (ref: OrderRef, signal: AbortSignal) => AsyncIterable<FoundOrder>;
  /** For all requests that listen or wait. */
  listeners: LimitPerKey;
  /** The gateway is about to stop. */
  stopping: AbortSignal;
}

export interface WaitPorts extends ListeningPorts {
  resultOf: (order: OrderView, sale: Sale) => Promise<PlaceOutcome | undefined>;
}

export async function waitForResult(
  placed: PlaceOutcome,
  { sale, buyerId }: { sale: Sale; buyerId: string },
  request: Request<object>,
  response: Response,
  { followOrder, listeners, stopping, resultOf }: WaitPorts,
): Promise<PlaceOutcome> {
  const seconds = preferredSeconds(request.get('prefer'));
  if (placed.kind !== 'queued' || !seconds || !listeners.enter(buyerId)) return placed;
  try {
    response.set('Preference-Applied', `wait=${seconds}`);
    const { orderId } = placed;
    const mintedAtMs = mintedAt(orderId) ?? Date.now();
    const ref = { orderId, buyerId, mintedAtMs, saleId: sale.id, epoch: sale.epoch };
    const signal = AbortSignal.any([whenGone(response), stopping, AbortSignal.timeout(seconds * 1_000)]);
    return (await untilOutcome(followOrder(ref, signal), (order) => resultOf(order, sale))) ?? placed;
  } finally {
    listeners.leave(buyerId);
  }
}

/** A preference that cannot be read is none: RFC 7240 wants no error. */
function preferredSeconds(prefer = ''): number | undefined {
  for (const preference of prefer.split(',')) {
    const [, plain, quoted] = /^\s*wait\s*=\s*(?:(\d+)|"(\d+)")\s*(?:;.*)?$/i.exec(preference) ?? [];
    const seconds = plain ?? quoted;
    if (seconds !== undefined) return Math.min(Number(seconds), LONGEST_S);
  }
  return undefined;
}

/** Aborts when the client has gone, also when it went before this call: its `close` comes once. */
export function whenGone(response: Response): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}
