// Making sales, and looking at them.

import { mintId } from '@flashsale/contracts/ids';
import { type RequestHandler, type Response, Router } from 'express';
import type { Catalogue } from '../domain/catalogue.ts';
import type { ChangeAnswer, SaleChange } from '../domain/change-sale.ts';
import { Unanswered } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { fromSale } from './bodies.ts';
import { Problem } from './problems.ts';
import { saleIdOf, saleOf } from './sale-of.ts';
import { jsonBody, parse, SaleChangeRequest, SaleRequest, toChange, toSale } from './schemas.ts';
import type { Authenticate } from './token.ts';

export interface SalesRoutes {
  authenticate: Authenticate;
  catalogue: Catalogue;
  createSale: (sale: Sale) => Promise<Sale>;
  changeSale: (saleId: string, change: SaleChange) => Promise<ChangeAnswer>;
  /** Units that each gate can still give, in the order of the sales; null while there is no gate. */
  remaining: (saleIds: string[]) => Promise<(number | null)[]>;
}

export function salesRouter({ authenticate, catalogue, createSale, changeSale, remaining }: SalesRoutes): Router {
  const router = Router();

  const adminOnly: RequestHandler<{ saleId: string }> = (request, _response, next) => {
    if (!authenticate(request).admin) throw new Problem('forbidden', { detail: 'an admin token is needed' });
    if (!request.is('application/json')) throw new Problem('unsupported-media-type');
    next();
  };

  async function answerSale(response: Response, status: number, sale: Sale) {
    const [left = null] = await remaining([sale.id]);
    response.status(status).set('Cache-Control', 'no-store').json(fromSale(sale, left));
  }

  router.post('/v1/sales', adminOnly, jsonBody, async (request, response) => {
    const asked = toSale(mintId(), parse(SaleRequest, request.body));
    const sale = await createSale(asked).catch((error) => unknown(response, asked.id, error));
    await answerSale(response.set('Location', `/v1/sales/${sale.id}`), 201, sale);
  });

  router.patch('/v1/sales/:saleId', adminOnly, jsonBody, async (request, response) => {
    const change = toChange(parse(SaleChangeRequest, request.body));
    const saleId = saleIdOf(request);
    const answer = await changeSale(saleId, change).catch((error) => unknown(response, saleId, error));
    await answerSale(response, 200, changed(answer));
  });

  router.get('/v1/sales', async (_request, response) => {
    const sales = catalogue.all();
    const left = await remaining(sales.map(({ id }) => id));
    response
      .set('Cache-Control', 'no-store')
      .json({ sales: sales.map((sale, index) => fromSale(sale, left[index] ?? null)) });
  });

  router.get('/v1/sales/:saleId', async (request, response) => {
    await answerSale(response, 200, await saleOf(request, catalogue));
  });

  return router;
}

/** A call that failed may still have done it, unless it only asked; absolute values may be sent again. */
function unknown(response: Response, saleId: string, error: unknown): never {
  if (error instanceof Unanswered) throw error;
  response.set('Location', `/v1/sales/${saleId}`);
  throw new Problem('outcome-unknown');
}

function changed(answer: ChangeAnswer): Sale {
  switch (answer.kind) {
    case 'done':
      return answer.sale;
    case 'changed-meanwhile':
      throw new Problem('changed-meanwhile', { revision: answer.sale.revision });
    case 'impossible':
      throw new Problem('bad-request', { errors: [answer.problem] });
    case 'no-such-sale':
      throw new Problem('not-found', { detail: 'no such sale' });
  }
}
