// Paying for a hold, cancelling it, and an admin's cancelling of a confirmed order.
import { type Request, type Response, Router } from 'express';
import type { z } from 'zod';
import type { CancelOutcome } from '../domain/cancel-order.ts';
import type { OrderRef } from '../domain/find-order.ts';
import type { PayOutcome } from '../domain/pay-order.ts';
import { fromOrder, type PayingBody } from './bodies.ts';
import { locationOf } from './order-location.ts';
import { orderRefOf, toOrderRef } from './own-order.ts';
import { endOf, respondConfirmed, respondDeclined } from './placed.ts';
import { Problem, respondWithProblem } from './problems.ts';
import type { RateLimit } from './rate-limit.ts';
import { retryAfter } from './retry-after.ts';
import { type Authenticate, adminOnly } from './token.ts';

export interface HoldsRoutes {
  authenticate: Authenticate;
  isRateLimited: RateLimit;
  payOrder: (ref: OrderRef) => Promise<PayOutcome>;
  cancelOrder: (ref: OrderRef) => Promise<CancelOutcome>;
  cancelConfirmed: (orderId: string) => Promise<CancelOutcome>;
}

export function holdsRouter(routes: HoldsRoutes): Router {
  const { authenticate, isRateLimited, payOrder, cancelOrder, cancelConfirmed } = routes;
  const router = Router();

  const admit = (request: Request<{ orderId: string }>) => {
    const ref = orderRefOf(request, authenticate);
    if (isRateLimited(ref.buyerId)) throw new Problem('rate-limited');
    return ref;
  };

  router.post('/v1/orders/:orderId/payment', async (request, response) => {
    const ref = admit(request);
    respondPaid(response.set('Cache-Control', 'no-store'), await payOrder(ref));
  });

  router.delete('/v1/orders/:orderId', async (request, response) => {
    const ref = admit(request);
    respondCancelled(response.set('Cache-Control', 'no-store'), ref, await cancelOrder(ref));
  });

  router.post('/v1/orders/:orderId/cancel', adminOnly(authenticate), async (request, response) => {
    const ref = toOrderRef({ orderId: String(request.params.orderId).toLowerCase(), buyerId: '' });
    respondCancelled(response.set('Cache-Control', 'no-store'), ref, await cancelConfirmed(ref.orderId));
  });

  return router;
}

function respondPaid(response: Response, answer: PayOutcome): void {
  switch (answer.kind) {
    case 'requested': {
      const body: z.infer<typeof PayingBody> = { orderId: answer.order.orderId, status: 'reserved' };
      response.set('Location', locationOf(answer.order)).set('Retry-After', retryAfter(answer.waitMs));
      response.status(202).json(body);
      break;
    }
    case 'confirmed':
      respondConfirmed(response, answer.order);
      break;
    case 'declined':
      respondDeclined(response, answer.order);
      break;
    case 'ended':
      respondWithProblem(response, 'order-ended', endOf(answer.order));
      break;
    case 'unknown':
      response.set('Location', locationOf(answer.order));
      respondWithProblem(response, 'outcome-unknown', { orderId: answer.order.orderId });
      break;
    default:
      respondWithProblem(response, answer.kind);
  }
}

function respondCancelled(response: Response, ref: OrderRef, answer: CancelOutcome): void {
  switch (answer.kind) {
    case 'cancelled':
      response.json(fromOrder(answer.order, ref.mintedAtMs));
      break;
    case 'ended':
      respondWithProblem(response, 'order-ended', endOf(answer.order));
      break;
    case 'not-confirmed':
      respondWithProblem(response, 'not-confirmed', endOf(answer.order));
      break;
    case 'unknown':
      // An admin reads no buyer's order, and learns the outcome by the same call.
      if (answer.order) response.set('Location', locationOf(answer.order));
      respondWithProblem(response, 'outcome-unknown', { orderId: ref.orderId });
      break;
    default:
      respondWithProblem(response, answer.kind);
  }
}
