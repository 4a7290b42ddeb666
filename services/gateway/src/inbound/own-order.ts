// The order that a request is about, if it is the caller's; another buyer's is not found, like one that nobody knows.

import { mintedAt } from '@flashsale/contracts/ids';
import type { Request } from 'express';
import type { Asked, Standing } from '../domain/find-order.ts';
import { Problem } from './problems.ts';
import type { Authenticate } from './token.ts';

export type FindOrder = (asked: Asked) => Promise<Standing | undefined>;

export function ownOrder(request: Request<{ orderId: string }>, authenticate: Authenticate, find: FindOrder) {
  const { buyerId } = authenticate(request);
  return orderFor({ orderId: request.params.orderId.toLowerCase(), buyerId }, find);
}

export async function orderFor(ids: { orderId: string; buyerId: string }, find: FindOrder) {
  const mintedAtMs = mintedAt(ids.orderId);
  const asked = mintedAtMs === undefined ? undefined : { ...ids, mintedAtMs };
  const order = asked && (await find(asked));
  if (!asked || !order) throw new Problem('not-found', { detail: 'no such order' });
  return { asked, order };
}
