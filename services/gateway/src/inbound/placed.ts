// The one mapping from what became of a click to HTTP.
import type { Response } from 'express';
import type { z } from 'zod';
import type { OrderView } from '../domain/order-view.ts';
import type { PlaceOutcome, Refusal } from '../domain/place-outcome.ts';
import type { Sale } from '../domain/sale.ts';
import { type ConfirmedBody, moneyOf, type QueuedBody, type ReservedBody } from './bodies.ts';
import { locationOf } from './order-location.ts';
import { respondWithProblem } from './problems.ts';
import { retryAfter } from './retry-after.ts';

export function respondPlaced(response: Response, placed: PlaceOutcome, sale: Sale): void {
  response.set('Cache-Control', 'no-store');
  switch (placed.kind) {
    case 'queued':
      locate(response, placed.orderId, sale.id, sale.epoch);
      response.set('Retry-After', retryAfter(placed.waitMs)).status(202).json(queued(placed.orderId));
      break;
    case 'reserved':
      locate(response, placed.order.orderId, sale.id, placed.order.epoch);
      response.status(201).json(reserved(placed.order));
      break;
    case 'confirmed':
      respondConfirmed(response, placed.order);
      break;
    case 'declined':
      respondDeclined(response, placed.order);
      break;
    case 'rejected':
      locate(response, placed.order.orderId, sale.id, placed.order.epoch);
      respondWithProblem(response, 'order-rejected', endOf(placed.order));
      break;
    case 'unknown':
      locate(response, placed.orderId, sale.id, placed.epoch);
      respondWithProblem(response, 'outcome-unknown', { orderId: placed.orderId });
      break;
    case 'already-bought':
      if (placed.orderId) locate(response, placed.orderId, sale.id, sale.epoch);
      respondWithProblem(response, 'already-bought', placed.orderId ? { orderId: placed.orderId } : {});
      break;
    case 'key-reused':
      // Its first request may have been admitted by an earlier gate.
      locate(response, placed.orderId, sale.id, 0);
      respondWithProblem(response, 'key-reused', { orderId: placed.orderId });
      break;
    case 'limit':
      respondWithProblem(response, 'limit', { perBuyerLimit: sale.perBuyerLimit });
      break;
    default:
      respondRefused(response, placed, sale);
  }
}

/** Nothing happened. */
export function respondRefused(response: Response, refusal: Refusal, { opensAtMs }: Sale): void {
  if (refusal.kind === 'busy') response.set('Retry-After', retryAfter(refusal.waitMs));
  const members = refusal.kind === 'not-open' ? { opensAt: new Date(opensAtMs).toISOString() } : {};
  respondWithProblem(response, refusal.kind, members);
}

export function respondConfirmed(response: Response, order: OrderView): void {
  const body: z.infer<typeof ConfirmedBody> = { orderId: order.orderId, status: 'confirmed', amount: moneyOf(order) };
  response.set('Location', locationOf(order)).status(201).json(body);
}

export function respondDeclined(response: Response, order: OrderView): void {
  respondWithProblem(response.set('Location', locationOf(order)), 'payment-declined', endOf(order));
}

/** An order that was cancelled or expired may have no reason of its own. */
export const endOf = ({ orderId, status, reason }: OrderView) => ({ orderId, reason: reason ?? status });

const queued = (orderId: string): z.infer<typeof QueuedBody> => ({ orderId, status: 'queued' });

const reserved = (order: OrderView): z.infer<typeof ReservedBody> => ({
  orderId: order.orderId,
  status: 'reserved',
  deadline: new Date(order.deadlineMs ?? 0).toISOString(),
  amount: moneyOf(order),
});

function locate(response: Response, orderId: string, saleId: string, epoch: number) {
  response.set('Location', locationOf({ orderId, saleId, epoch }));
}
