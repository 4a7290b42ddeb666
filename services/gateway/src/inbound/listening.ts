// Requests that stay open until there is something to say.
import type { Response } from 'express';
import type { Cap } from '../domain/cap.ts';
import type { Asked, Standing } from '../domain/find-order.ts';

export interface Listening {
  follow: (asked: Asked, signal: AbortSignal) => AsyncIterable<Standing>;
  /** Room for everybody who listens or waits. */
  listeners: Cap;
  /** The gateway is about to stop. */
  leaving: AbortSignal;
}

/** The client has gone. */
export function closed(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
