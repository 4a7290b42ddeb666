// `Prefer: wait=N` (RFC 7240): the queue used as if it were a call; the answer is held until the order has a result.
import { mintedAt } from '@flashsale/contracts/ids';
import type { Request, Response } from 'express';
import { untilAnswered } from '../domain/follow-order.ts';
import type { OrderView } from '../domain/order-view.ts';
import type { PlaceOutcome } from '../domain/place-outcome.ts';
import type { Sale } from '../domain/sale.ts';
import { type Listening, whenGone } from './listening.ts';

const LONGEST_S = 30;

export type ResultOf = (order: OrderView, sale: Sale) => Promise<PlaceOutcome | undefined>;

export function createWait({ followOrder, listeners, stopping, resultOf }: Listening & { resultOf: ResultOf }) {
  return async (placed: PlaceOutcome, sale: Sale, buyerId: string, request: Request, response: Response) => {
    const seconds = preferredSeconds(request.get('prefer'));
    if (placed.kind !== 'queued' || !seconds || !listeners.enter(buyerId)) return placed;
    try {
      response.set('Preference-Applied', `wait=${seconds}`);
      const { orderId } = placed;
      const mintedAtMs = mintedAt(orderId) ?? Date.now();
      const ref = { orderId, buyerId, mintedAtMs, saleId: sale.id, epoch: sale.epoch };
      const signal = AbortSignal.any([whenGone(response), stopping, AbortSignal.timeout(seconds * 1_000)]);
      return (await untilAnswered(followOrder(ref, signal), (order) => resultOf(order, sale))) ?? placed;
    } finally {
      listeners.leave(buyerId);
    }
  };
}

/** A preference that cannot be read is none: RFC 7240 asks for no error. */
function preferredSeconds(prefer = ''): number | undefined {
  for (const preference of prefer.split(',')) {
    const [, plain, quoted] = /^\s*wait\s*=\s*(?:(\d+)|"(\d+)")\s*(?:;.*)?$/i.exec(preference) ?? [];
    const asked = plain ?? quoted;
    if (asked !== undefined) return Math.min(Number(asked), LONGEST_S);
  }
  return undefined;
}
