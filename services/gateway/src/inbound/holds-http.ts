// Paying for a hold, cancelling it, and an admin's cancelling of a confirmed order.
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { CancelOutcome } from '../domain/cancel-order.ts';
import type { OrderRef } from '../domain/order-view.ts';
import type { PayOutcome } from '../domain/pay-order.ts';
import { ConfirmedBody, fromOrder, OrderBody, PayingBody } from './bodies.ts';
import { ADMIN_TOKEN, BUYER_TOKEN, jsonResponse, type Operation, problems, READ_PROBLEMS } from './openapi.ts';
import {
  endOf,
  locate,
  ONE_ORDER,
  orderRefOf,
  respondConfirmed,
  respondDeclined,
  retryAfter,
  toOrderRef,
} from './orders-http.ts';
import { Problem, type ProblemKind, respondWithProblem } from './problems.ts';
import type { Identity } from './token.ts';

export interface HoldsPorts extends Identity {
  isRateLimited: (buyerId: string) => boolean;
  payOrder: (ref: OrderRef) => Promise<PayOutcome>;
  cancelOrder: (ref: OrderRef) => Promise<CancelOutcome>;
  cancelConfirmed: (orderId: string) => Promise<CancelOutcome>;
}

const HOLD_PROBLEMS: ProblemKind[] = [
  ...READ_PROBLEMS,
  'order-ended',
  'not-reserved',
  'rate-limited',
  'outcome-unknown',
];
const CANCELLED = jsonResponse('The order, cancelled; the same again changes nothing', OrderBody);

export const HOLDS: Operation<HoldsPorts>[] = [
  {
    method: 'delete',
    path: '/v1/orders/{orderId}',
    summary: 'Cancel an order that is reserved and whose payment was not requested',
    ...BUYER_TOKEN,
    requestParams: ONE_ORDER,
    responses: {
      200: CANCELLED,
      ...problems([...HOLD_PROBLEMS, 'payment-under-way'], { 504: ['Location'] }),
    },
    handle: cancelHold,
  },
  {
    method: 'post',
    path: '/v1/orders/{orderId}/payment',
    summary: 'Pay for a reserved order; the same again never pays twice',
    ...BUYER_TOKEN,
    requestParams: ONE_ORDER,
    responses: {
      201: jsonResponse('Confirmed', ConfirmedBody, 'Location'),
      202: jsonResponse('The payment is queued; the result is at the location', PayingBody, 'Location', 'Retry-After'),
      ...problems([...HOLD_PROBLEMS, 'payment-declined', 'not-a-hold'], { 402: ['Location'], 504: ['Location'] }),
    },
    handle: pay,
  },
  {
    method: 'post',
    path: '/v1/orders/{orderId}/cancel',
    summary: 'Cancel a confirmed order: its units are for sale again, and its money is given back',
    ...ADMIN_TOKEN,
    requestParams: { path: ONE_ORDER.path },
    responses: { 200: CANCELLED, ...problems([...READ_PROBLEMS, 'forbidden', 'not-confirmed', 'outcome-unknown']) },
    handle: cancelSold,
  },
];

async function pay(request: Request<{ orderId: string }>, response: Response, ports: HoldsPorts) {
  const ref = limitedRefOf(request, ports);
  respondPaid(response.set('Cache-Control', 'no-store'), await ports.payOrder(ref));
}

async function cancelHold(request: Request<{ orderId: string }>, response: Response, ports: HoldsPorts) {
  const ref = limitedRefOf(request, ports);
  respondCancelled(response.set('Cache-Control', 'no-store'), ref, await ports.cancelOrder(ref));
}

async function cancelSold(request: Request<{ orderId: string }>, response: Response, ports: HoldsPorts) {
  ports.requireAdmin(request);
  const ref = toOrderRef({ orderId: request.params.orderId.toLowerCase(), buyerId: '' });
  respondCancelled(response.set('Cache-Control', 'no-store'), ref, await ports.cancelConfirmed(ref.orderId));
}

function limitedRefOf(request: Request<{ orderId: string }>, ports: HoldsPorts): OrderRef {
  const ref = orderRefOf(request, ports);
  if (ports.isRateLimited(ref.buyerId)) throw new Problem('rate-limited');
  return ref;
}

function respondPaid(response: Response, outcome: PayOutcome) {
  switch (outcome.kind) {
    case 'requested': {
      const body: z.infer<typeof PayingBody> = { orderId: outcome.order.orderId, status: 'reserved' };
      locate(response, outcome.order).set('Retry-After', retryAfter(outcome.waitMs)).status(202).json(body);
      return;
    }
    case 'confirmed':
      return respondConfirmed(response, outcome.order);
    case 'declined':
      return respondDeclined(response, outcome.order);
    case 'ended':
      return respondWithProblem(response, 'order-ended', endOf(outcome.order));
    case 'unknown':
      locate(response, outcome.order);
      return respondWithProblem(response, 'outcome-unknown', { orderId: outcome.order.orderId });
    default:
      return respondWithProblem(response, outcome.kind);
  }
}

function respondCancelled(response: Response, ref: OrderRef, outcome: CancelOutcome) {
  switch (outcome.kind) {
    case 'cancelled':
      return void response.json(fromOrder(outcome.order, ref.mintedAtMs));
    case 'ended':
      return respondWithProblem(response, 'order-ended', endOf(outcome.order));
    case 'not-confirmed':
      return respondWithProblem(response, 'not-confirmed', endOf(outcome.order));
    case 'unknown':
      // An admin reads no buyer's order, and learns the outcome by the same call.
      if (outcome.order) locate(response, outcome.order);
      return respondWithProblem(response, 'outcome-unknown', { orderId: ref.orderId });
    default:
      return respondWithProblem(response, outcome.kind);
  }
}
