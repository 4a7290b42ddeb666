// Buying, and asking how an order stands.

import { mintId } from '@flashsale/contracts/ids';
import { type Response, Router } from 'express';
import type { Catalogue } from '../domain/catalogue.ts';
import { type Asked, DOUBTFUL_MS, type Standing } from '../domain/find-order.ts';
import type { EarlyRefusal, PlaceAnswer } from '../domain/place-answer.ts';
import type { Click } from '../domain/place-order.ts';
import type { Gate } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { fromOrder } from './bodies.ts';
import type { Listening } from './listening.ts';
import { type FindOrder, orderFor, ownOrder } from './own-order.ts';
import { ASK_AGAIN_IN_SECONDS, answerPlaced } from './placed.ts';
import { answerProblem, Problem } from './problems.ts';
import { saleOf } from './sale-of.ts';
import { IdempotencyKey, jsonBody, OrderRequest, parse, SaleQuery } from './schemas.ts';
import type { Authenticate } from './token.ts';
import { createWait } from './wait.ts';

const ASK_RARELY_IN_SECONDS = '5';

export interface OrdersRoutes {
  authenticate: Authenticate;
  tooOften: (buyerId: string) => boolean;
  catalogue: Catalogue;
  refuseEarly: (sale: Sale) => EarlyRefusal | undefined;
  place: (sale: Sale, click: Click) => Promise<PlaceAnswer>;
  listening: Listening;
  findOrder: FindOrder;
  gate: Pick<Gate, 'orderOf'>;
  directDeadlineMs: number;
}

export function ordersRouter(routes: OrdersRoutes): Router {
  const { authenticate, tooOften, catalogue, refuseEarly, place, findOrder, gate, directDeadlineMs } = routes;
  const wait = createWait(routes.listening);
  const router = Router();

  router.post(
    '/v1/sales/:saleId/orders',
    async (request, response, next) => {
      const sale = await saleOf(request, catalogue);
      // Whoever sends a key may be asking for an order of before, so that one always gets to the gate.
      const no = request.headers['idempotency-key'] === undefined && refuseEarly(sale);
      if (no) return answerProblem(response, no);
      response.locals.sale = sale;
      response.locals.buyerId = authenticate(request).buyerId;
      if (tooOften(response.locals.buyerId)) return answerProblem(response, 'too-often');
      if (hasBody(request.headers) && !request.is('application/json')) throw new Problem('unsupported-media-type');
      next();
    },
    jsonBody,
    async (request, response) => {
      const { sale, buyerId } = response.locals as { sale: Sale; buyerId: string };
      const idempotencyKey = parse(IdempotencyKey, request.get('idempotency-key'), 'Idempotency-Key');
      const { quantity } = parse(OrderRequest, request.body ?? {});
      const decideWithinMs = sale.mode === 'direct' ? directDeadlineMs : sale.decideWithinSeconds * 1_000;
      const ids = { orderId: mintId(), saleId: sale.id, buyerId };
      const command = { ...ids, quantity, epoch: sale.epoch, decideByMs: Date.now() + decideWithinMs };
      const placed = await place(sale, { command, idempotencyKey });
      answerPlaced(response, await wait(placed, buyerId, request, response), sale);
    },
  );

  router.get('/v1/orders/:orderId', async (request, response) => {
    answerOrder(response, await ownOrder(request, authenticate, findOrder));
  });

  /** For whoever clicked and got no answer: the id is not known then. */
  router.get('/v1/orders', async (request, response) => {
    const { buyerId } = authenticate(request);
    const { sale: saleId } = parse(SaleQuery, request.query, 'query');
    const orderId = (await catalogue.find(saleId)) ? await gate.orderOf(saleId, buyerId) : null;
    if (orderId === 'stale') throw new Problem('busy');
    if (!orderId) throw new Problem('not-found', { detail: 'no live order of this buyer in this sale' });
    answerOrder(response, await orderFor({ orderId, buyerId }, findOrder));
  });

  return router;
}

const hasBody = (headers: { 'content-length'?: string | undefined; 'transfer-encoding'?: string | undefined }) =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

function answerOrder(response: Response, { asked, order }: { asked: Asked; order: Standing }): void {
  const longInLine = Date.now() - asked.mintedAtMs > DOUBTFUL_MS;
  if (order.status === 'queued') response.set('Retry-After', longInLine ? ASK_RARELY_IN_SECONDS : ASK_AGAIN_IN_SECONDS);
  response.set('Cache-Control', 'no-store').json(fromOrder(order, asked.mintedAtMs));
}
