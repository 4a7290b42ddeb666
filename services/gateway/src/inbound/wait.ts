// `Prefer: wait=N` (RFC 7240): the queue used as if it were a call; the answer is held until the order is final.

import { mintedAt } from '@flashsale/contracts/ids';
import type { Request, Response } from 'express';
import { untilFinal } from '../domain/follow-order.ts';
import { type PlaceAnswer, resultOf } from '../domain/place-answer.ts';
import { type Listening, whenGone } from './listening.ts';

const LONGEST_S = 30;

export type Wait = (placed: PlaceAnswer, buyerId: string, request: Request, response: Response) => Promise<PlaceAnswer>;

export function createWait({ follow, listeners, leaving }: Listening): Wait {
  return async (placed, buyerId, request, response) => {
    const seconds = preferredSeconds(request.get('prefer'));
    if (placed.kind !== 'queued' || !seconds || !listeners.enter(buyerId)) return placed;
    try {
      response.set('Preference-Applied', `wait=${seconds}`);
      const { orderId } = placed;
      const asked = { orderId, buyerId, mintedAtMs: mintedAt(orderId) ?? Date.now() };
      const signal = AbortSignal.any([whenGone(response), leaving, AbortSignal.timeout(seconds * 1_000)]);
      const order = await untilFinal(follow(asked, signal));
      return (order && resultOf(order)) ?? placed;
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
