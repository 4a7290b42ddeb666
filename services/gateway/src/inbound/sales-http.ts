// Creating, changing and reading sales.
import { mintId } from '@flashsale/contracts/ids';
import { type RequestHandler, type Response, Router } from 'express';
import type { Catalogue } from '../domain/catalogue.ts';
import type { ChangeOutcome, SaleChange } from '../domain/change-sale.ts';
import { type Gate, NoResponse } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { fromSale } from './bodies.ts';
import { Problem } from './problems.ts';
import { saleIdOf, saleOf } from './sale-of.ts';
import { parse, readJson, SaleChangeRequest, SaleRequest, toChange, toSale } from './schemas.ts';
import { type Authenticate, adminOnly } from './token.ts';

export interface SalesRoutes {
  authenticate: Authenticate;
  catalogue: Catalogue;
  createSale: (sale: Sale) => Promise<Sale>;
  changeSale: (saleId: string, change: SaleChange) => Promise<ChangeOutcome>;
  gate: Pick<Gate, 'levels'>;
}

export function salesRouter({ authenticate, catalogue, createSale, changeSale, gate }: SalesRoutes): Router {
  const router = Router();
  const admin = adminOnly(authenticate);

  async function respondWithSale(response: Response, status: number, sale: Sale) {
    const [level] = await gate.levels([sale.id]);
    response
      .status(status)
      .set('Cache-Control', 'no-store')
      .json(fromSale(sale, level?.tickets ?? null));
  }

  router.post('/v1/sales', admin, jsonOnly, async (request, response) => {
    const asked = toSale(mintId(), parse(SaleRequest, await readJson(request, response)));
    const sale = await createSale(asked).catch((error) => unknown(response, asked.id, error));
    await respondWithSale(response.set('Location', `/v1/sales/${sale.id}`), 201, sale);
  });

  router.patch('/v1/sales/:saleId', admin, jsonOnly, async (request, response) => {
    const change = toChange(parse(SaleChangeRequest, await readJson(request, response)));
    const saleId = saleIdOf(request);
    const answer = await changeSale(saleId, change).catch((error) => unknown(response, saleId, error));
    await respondWithSale(response, 200, changed(answer));
  });

  router.get('/v1/sales', async (_request, response) => {
    const sales = catalogue.all();
    const levels = await gate.levels(sales.map(({ id }) => id));
    response
      .set('Cache-Control', 'no-store')
      .json({ sales: sales.map((sale, index) => fromSale(sale, levels[index]?.tickets ?? null)) });
  });

  router.get('/v1/sales/:saleId', async (request, response) => {
    await respondWithSale(response, 200, await saleOf(request, catalogue));
  });

  return router;
}

const jsonOnly: RequestHandler<{ saleId: string }> = (request, _response, next) => {
  if (!request.is('application/json')) throw new Problem('unsupported-media-type');
  next();
};

/** A call that failed may still have done it, unless it only asked; absolute values may be sent again. */
function unknown(response: Response, saleId: string, error: unknown): never {
  if (error instanceof NoResponse) throw error;
  response.set('Location', `/v1/sales/${saleId}`);
  throw new Problem('outcome-unknown');
}

function changed(answer: ChangeOutcome): Sale {
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
