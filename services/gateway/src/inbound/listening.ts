// Requests that stay open until there is something to say.
import type { Response } from 'express';
import type { CapEach } from '../domain/cap.ts';
import type { Asked, Standing } from '../domain/find-order.ts';

export interface Listening {
  follow: (asked: Asked, signal: AbortSignal) => AsyncIterable<Standing>;
  /** Room for everybody who listens or waits. */
  listeners: CapEach;
  /** The gateway is about to stop. */
  leaving: AbortSignal;
}

/** Given when the client has gone, also when it went before anybody looked: its `close` comes once. */
export function whenGone(response: Response): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}
