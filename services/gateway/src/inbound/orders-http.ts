// Buying, and asking how an order stands.
import type { OrderCommand } from '@flashsale/contracts/messages';
import express, { type Response, Router } from 'express';
import { DOUBTFUL_MS } from '../domain/find-order.ts';
import type { EarlyRefusal, PlaceAnswer } from '../domain/place-order.ts';
import type { OrderView } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { mintedAt, mintId } from './order-id.ts';
import { answerProblem, Problem, type ProblemKind } from './problems.ts';
import { fromOrder, isUuid, OrderRequest, parse } from './schemas.ts';
import type { createAuthenticate } from './token.ts';

const jsonBody = express.json({ limit: '4kb', type: 'application/json' });
const ASK_AGAIN_IN_SECONDS = '1';
const ASK_RARELY_IN_SECONDS = '5';

export interface OrdersRoutes {
  authenticate: ReturnType<typeof createAuthenticate>;
  findSale: (saleId: string) => Promise<Sale | undefined>;
  refuseEarly: (sale: Sale) => EarlyRefusal | undefined;
  place: (sale: Sale, command: OrderCommand) => Promise<PlaceAnswer>;
  findOrder: (orderId: string, buyerId: string, mintedAtMs: number) => Promise<OrderView | undefined>;
  directDeadlineMs: number;
}

export function ordersRouter({
  authenticate,
  findSale,
  refuseEarly,
  place,
  findOrder,
  directDeadlineMs,
}: OrdersRoutes): Router {
  const router = Router();

  router.post(
    '/v1/sales/:saleId/orders',
    async (request, response, next) => {
      const { saleId } = request.params;
      const sale = isUuid(saleId) ? await findSale(saleId) : undefined;
      if (!sale) throw new Problem('not-found', { detail: 'no such sale' });
      const no = refuseEarly(sale);
      if (no) return answerProblem(response, no);
      response.locals.sale = sale;
      response.locals.buyerId = authenticate(request).buyerId;
      if (hasBody(request.headers) && !request.is('application/json')) throw new Problem('unsupported-media-type');
      next();
    },
    jsonBody,
    async (request, response) => {
      const { sale, buyerId } = response.locals as { sale: Sale; buyerId: string };
      const { quantity } = parse(OrderRequest, request.body ?? {});
      if (quantity > sale.perBuyerLimit) throw new Problem('limit', { perBuyerLimit: sale.perBuyerLimit });
      const decideWithinMs = sale.mode === 'direct' ? directDeadlineMs : sale.decideWithinSeconds * 1_000;
      const ids = { orderId: mintId(), saleId: sale.id, buyerId };
      const command = { ...ids, quantity, epoch: sale.epoch, decideByMs: Date.now() + decideWithinMs };
      answer(response, await place(sale, command), sale);
    },
  );

  router.get('/v1/orders/:orderId', async (request, response) => {
    const { orderId } = request.params;
    const mintedAtMs = mintedAt(orderId);
    const { buyerId } = authenticate(request);
    const view = mintedAtMs === undefined ? undefined : await findOrder(orderId.toLowerCase(), buyerId, mintedAtMs);
    if (!view || mintedAtMs === undefined) throw new Problem('not-found', { detail: 'no such order' });
    const longInLine = Date.now() - mintedAtMs > DOUBTFUL_MS;
    if (view.status === 'queued')
      response.set('Retry-After', longInLine ? ASK_RARELY_IN_SECONDS : ASK_AGAIN_IN_SECONDS);
    response.set('Cache-Control', 'no-store').json(fromOrder(view, mintedAtMs));
  });

  return router;
}

const hasBody = (headers: { 'content-length'?: string | undefined; 'transfer-encoding'?: string | undefined }) =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

/** The one mapping from what became of a click to HTTP. */
function answer(response: Response, placed: PlaceAnswer, sale: Sale): void {
  const orderId = 'order' in placed ? placed.order.orderId : 'orderId' in placed ? placed.orderId : undefined;
  if (orderId) response.set('Location', `/v1/orders/${orderId}`);
  response.set('Cache-Control', 'no-store');
  if (placed.kind === 'queued') {
    response.status(202).set('Retry-After', ASK_AGAIN_IN_SECONDS).json({ orderId, status: 'queued' });
  } else if (placed.kind === 'confirmed') {
    const { amountMinor, currency } = placed.order;
    response.status(201).json({ orderId, status: 'confirmed', amount: { amountMinor, currency } });
  } else {
    answerProblem(response, ...refusal(placed, sale));
  }
}

function refusal(placed: Exclude<PlaceAnswer, { kind: 'queued' | 'confirmed' }>, sale: Sale): [ProblemKind, object] {
  switch (placed.kind) {
    case 'rejected': {
      const { orderId, reason } = placed.order;
      const kind = reason === 'declined' ? 'payment-declined' : reason === 'duplicate' ? 'already-bought' : 'rejected';
      return [kind, { orderId, reason }];
    }
    case 'unknown':
      return ['outcome-unknown', { orderId: placed.orderId }];
    case 'already-bought':
      return ['already-bought', { orderId: placed.orderId }];
    case 'not-open':
      return ['not-open', { opensAt: new Date(sale.opensAtMs).toISOString() }];
    default:
      return [placed.kind, {}];
  }
}
