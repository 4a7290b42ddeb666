// Making sales, and looking at them.
import express, { Router } from 'express';
import type { Catalogue } from '../domain/catalogue.ts';
import type { Sale } from '../domain/sale.ts';
import { mintId } from './order-id.ts';
import { Problem } from './problems.ts';
import { fromSale, isUuid, parse, SaleRequest, toSale } from './schemas.ts';
import type { createAuthenticate } from './token.ts';

const jsonBody = express.json({ limit: '4kb', type: 'application/json' });

export interface SalesRoutes {
  authenticate: ReturnType<typeof createAuthenticate>;
  catalogue: Catalogue;
  createSale: (sale: Sale) => Promise<Sale>;
  /** Units that each gate can still give, in the order of the sales; null while there is no gate. */
  remaining: (saleIds: string[]) => Promise<(number | null)[]>;
}

export function salesRouter({ authenticate, catalogue, createSale, remaining }: SalesRoutes): Router {
  const router = Router();

  router.post(
    '/v1/sales',
    (request, _response, next) => {
      if (!authenticate(request).admin) throw new Problem('forbidden', { detail: 'an admin token is needed' });
      if (!request.is('application/json')) throw new Problem('unsupported-media-type');
      next();
    },
    jsonBody,
    async (request, response) => {
      const asked = toSale(mintId(), parse(SaleRequest, request.body));
      response.set('Location', `/v1/sales/${asked.id}`);
      const sale = await createSale(asked).catch(() => {
        throw new Problem('outcome-unknown');
      });
      const [left = null] = await remaining([sale.id]);
      response.status(201).json(fromSale(sale, left));
    },
  );

  router.get('/v1/sales', async (_request, response) => {
    const sales = catalogue.all();
    const left = await remaining(sales.map(({ id }) => id));
    response
      .set('Cache-Control', 'no-store')
      .json({ sales: sales.map((sale, index) => fromSale(sale, left[index] ?? null)) });
  });

  router.get('/v1/sales/:saleId', async (request, response) => {
    const { saleId } = request.params;
    const sale = isUuid(saleId) ? await catalogue.find(saleId) : undefined;
    if (!sale) throw new Problem('not-found', { detail: 'no such sale' });
    const [left = null] = await remaining([sale.id]);
    response.set('Cache-Control', 'no-store').json(fromSale(sale, left));
  });

  return router;
}
