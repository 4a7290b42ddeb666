// The one mapping from what became of a click to HTTP.
import type { Response } from 'express';
import type { z } from 'zod';
import type { OrderView } from '../domain/order-view.ts';
import type { PlaceAnswer } from '../domain/place-answer.ts';
import type { Sale } from '../domain/sale.ts';
import type { ConfirmedBody, QueuedBody } from './bodies.ts';
import { answerProblem, type ProblemKind, type ProblemMembers } from './problems.ts';

export const ASK_AGAIN_IN_SECONDS = '1';

export function answerPlaced(response: Response, placed: PlaceAnswer, sale: Sale): void {
  const orderId = 'order' in placed ? placed.order.orderId : 'orderId' in placed ? placed.orderId : undefined;
  if (orderId) response.set('Location', `/v1/orders/${orderId}`);
  response.set('Cache-Control', 'no-store');
  if (placed.kind === 'queued') {
    const body: z.infer<typeof QueuedBody> = { orderId: placed.orderId, status: 'queued' };
    response.status(202).set('Retry-After', ASK_AGAIN_IN_SECONDS).json(body);
  } else if (placed.kind === 'confirmed') {
    const { orderId, amountMinor, currency } = placed.order;
    const amount = { amountMinor: amountMinor ?? 0, currency: currency ?? '' };
    const body: z.infer<typeof ConfirmedBody> = { orderId, status: 'confirmed', amount };
    response.status(201).json(body);
  } else {
    answerProblem(response, ...refusal(placed, sale));
  }
}

function refusal(
  placed: Exclude<PlaceAnswer, { kind: 'queued' | 'confirmed' }>,
  sale: Sale,
): [ProblemKind, ProblemMembers] {
  switch (placed.kind) {
    case 'rejected':
      return rejection(placed.order);
    case 'unknown':
      return ['outcome-unknown', { orderId: placed.orderId }];
    case 'already-bought':
    case 'key-reused':
      return [placed.kind, { orderId: placed.orderId }];
    case 'not-open':
      return ['not-open', { opensAt: new Date(sale.opensAtMs).toISOString() }];
    case 'limit':
      return ['limit', { perBuyerLimit: sale.perBuyerLimit }];
    default:
      return [placed.kind, {}];
  }
}

/** An order that was cancelled because its call never arrived has no reason of its own. */
function rejection({ orderId, status, reason }: OrderView): [ProblemKind, ProblemMembers] {
  const kind = reason === 'declined' ? 'payment-declined' : reason === 'duplicate' ? 'already-bought' : 'rejected';
  return [kind, { orderId, reason: reason ?? status }];
}
