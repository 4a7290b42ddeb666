// Requests that stay open until there is something to send.
import type { Response } from 'express';
import type { LimitPerKey } from '../domain/concurrency-limit.ts';
import type { FoundOrder, OrderRef } from '../domain/find-order.ts';

export interface Listening {
  followOrder: (ref: OrderRef, signal: AbortSignal) => AsyncIterable<FoundOrder>;
  /** For all requests that listen or wait. */
  listeners: LimitPerKey;
  /** The gateway is about to stop. */
  stopping: AbortSignal;
}

/** Given when the client has gone, also when it went before this was asked: its `close` comes once. */
export function whenGone(response: Response): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}
