// The order that a request is about, if it is the caller's; another buyer's is not found, like one that never was.
import { mintedAt } from '@flashsale/contracts/ids';
import type { Request } from 'express';
import type { Asked, FoundOrder } from '../domain/find-order.ts';
import { Problem } from './problems.ts';
import { OrderQuery, parse } from './schemas.ts';
import type { Authenticate } from './token.ts';

export type FindOrder = (asked: Asked) => Promise<FoundOrder | undefined>;

/** What the path, the query and the token say. */
export function askedOf(request: Request<{ orderId: string }>, authenticate: Authenticate): Asked {
  const { buyerId } = authenticate(request);
  const { sale, epoch } = parse(OrderQuery, request.query, 'query');
  return toAsked({ orderId: request.params.orderId.toLowerCase(), buyerId, saleId: sale, epoch });
}

export function toAsked(order: Omit<Asked, 'mintedAtMs'>): Asked {
  const mintedAtMs = mintedAt(order.orderId);
  if (mintedAtMs === undefined) throw new Problem('not-found', { detail: 'no such order' });
  return { ...order, mintedAtMs };
}

export async function findOwn(asked: Asked, find: FindOrder): Promise<FoundOrder> {
  const order = await find(asked);
  if (!order) throw new Problem('not-found', { detail: 'no such order' });
  return order;
}
