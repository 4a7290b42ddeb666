// Buying, and asking how an order stands.
import { type Response, Router } from 'express';
import type { Catalogue } from '../domain/catalogue.ts';
import type { FoundOrder, OrderRef } from '../domain/find-order.ts';
import { awaitsPayment, isFinal } from '../domain/order-view.ts';
import type { Click } from '../domain/place-order.ts';
import type { PlaceOutcome, Refusal } from '../domain/place-outcome.ts';
import type { Gate } from '../domain/ports.ts';
import { isLongOver, type Sale } from '../domain/sale.ts';
import { fromOrder } from './bodies.ts';
import { type Listening, whenGone } from './listening.ts';
import { type FindOrder, findOwn, orderRefOf, toOrderRef } from './own-order.ts';
import { respondPlaced, respondRefused } from './placed.ts';
import { Problem, respondWithProblem } from './problems.ts';
import type { RateLimit } from './rate-limit.ts';
import { retryAfter } from './retry-after.ts';
import { saleOf } from './sale-of.ts';
import { IdempotencyKey, OrderRequest, parse, readJson, SaleQuery } from './schemas.ts';
import type { Authenticate } from './token.ts';
import { createWait, type ResultOf } from './wait.ts';

export interface OrdersRoutes extends Listening {
  authenticate: Authenticate;
  isRateLimited: RateLimit;
  catalogue: Catalogue;
  refuseEarly: (sale: Sale) => Refusal | undefined;
  placeOrder: (sale: Sale, click: Click) => Promise<PlaceOutcome>;
  resultOf: ResultOf;
  findOrder: FindOrder;
  gate: Pick<Gate, 'orderOf'>;
}

export function ordersRouter(routes: OrdersRoutes): Router {
  const { authenticate, isRateLimited, catalogue, refuseEarly, placeOrder, findOrder, gate } = routes;
  const wait = createWait(routes);
  const router = Router();

  router.post('/v1/sales/:saleId/orders', async (request, response) => {
    const sale = await saleOf(request, catalogue);
    // A request with a key may ask for an order that was placed before, so that it always reaches the gate.
    const refusal = request.headers['idempotency-key'] === undefined && refuseEarly(sale);
    if (refusal) return respondRefused(response, refusal, sale);
    const { buyerId } = authenticate(request);
    if (isRateLimited(buyerId)) return respondWithProblem(response, 'rate-limited');
    if (hasBody(request.headers) && !request.is('application/json')) throw new Problem('unsupported-media-type');
    const body = (await readJson(request, response)) ?? {};
    const idempotencyKey = parse(IdempotencyKey, request.get('idempotency-key'), 'Idempotency-Key');
    const click = { buyerId, ...parse(OrderRequest, body), idempotencyKey, whenGone: () => whenGone(response) };
    const placed = await placeOrder(sale, click);
    respondPlaced(response, await wait(placed, sale, buyerId, request, response), sale);
  });

  router.get('/v1/orders/:orderId', async (request, response) => {
    const ref = orderRefOf(request, authenticate);
    respondWithOrder(response, ref, await findOwn(ref, findOrder));
  });

  /** For a buyer whose click got no answer: the id is not known then. */
  router.get('/v1/orders', async (request, response) => {
    const { buyerId } = authenticate(request);
    const { sale: saleId } = parse(SaleQuery, request.query, 'query');
    const sale = await catalogue.find(saleId);
    const orderId = sale ? await gate.orderOf(saleId, buyerId) : null;
    if (sale && orderId === 'unavailable' && isLongOver(sale, Date.now()))
      throw new Problem('not-found', { detail: 'the sale is over, and its orders are found by their ids' });
    if (orderId === 'unavailable') throw new Problem('busy');
    if (!orderId) throw new Problem('not-found', { detail: 'no live order of this buyer in this sale' });
    const ref = toOrderRef({ orderId, buyerId, saleId, epoch: sale?.epoch });
    respondWithOrder(response, ref, await findOwn(ref, findOrder));
  });

  return router;
}

const hasBody = (headers: { 'content-length'?: string | undefined; 'transfer-encoding'?: string | undefined }) =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

function respondWithOrder(response: Response, { mintedAtMs }: OrderRef, order: FoundOrder): void {
  if (!isFinal(order) && !awaitsPayment(order)) response.set('Retry-After', retryAfter(order.waiting?.waitMs));
  response.set('Cache-Control', 'no-store').json(fromOrder(order, mintedAtMs));
}
