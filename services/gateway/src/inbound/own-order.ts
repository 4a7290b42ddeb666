// The order that a request is about, if it is the caller's; another buyer's is not found, like one that never was.
import { mintedAt } from '@flashsale/contracts/ids';
import type { Request } from 'express';
import type { FoundOrder, OrderRef } from '../domain/find-order.ts';
import { Problem } from './problems.ts';
import { OrderQuery, parse } from './schemas.ts';
import type { Authenticate } from './token.ts';

export type FindOrder = (ref: OrderRef) => Promise<FoundOrder | undefined>;

/** What the path, the query and the token say. */
export function orderRefOf(request: Request<{ orderId: string }>, authenticate: Authenticate): OrderRef {
  const { buyerId } = authenticate(request);
  const { sale, epoch } = parse(OrderQuery, request.query, 'query');
  return toOrderRef({ orderId: request.params.orderId.toLowerCase(), buyerId, saleId: sale, epoch });
}

export function toOrderRef(order: Omit<OrderRef, 'mintedAtMs'>): OrderRef {
  const mintedAtMs = mintedAt(order.orderId);
  if (mintedAtMs === undefined) throw new Problem('not-found', { detail: 'no such order' });
  return { ...order, mintedAtMs };
}

export async function findOwn(ref: OrderRef, find: FindOrder): Promise<FoundOrder> {
  const order = await find(ref);
  if (!order) throw new Problem('not-found', { detail: 'no such order' });
  return order;
}
