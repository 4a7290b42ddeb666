// Creating, changing and reading sales.
import { mintId } from '@flashsale/contracts/fields';
import type { SaleChange } from '@flashsale/contracts/sale';
import type { Request, Response } from 'express';
import type { Catalogue } from '../domain/catalogue.ts';
import type { ChangeOutcome } from '../domain/change-sale.ts';
import { type Gate, NoResponse } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import {
  fromSale,
  inBody,
  parse,
  readJson,
  SaleBody,
  SaleChangeRequest,
  SaleRequest,
  SalesBody,
  toChange,
  toSale,
} from './bodies.ts';
import { ADMIN_TOKEN, BODY_PROBLEMS, jsonBody, jsonResponse, type Operation, problems } from './openapi.ts';
import { ONE_SALE, saleIdOf, saleOf } from './orders-http.ts';
import { Problem, type ProblemKind } from './problems.ts';
import type { Identity } from './token.ts';

export interface SalesPorts {
  requireAdmin: Identity['requireAdmin'];
  catalogue: Catalogue;
  createSale: (sale: Sale) => Promise<Sale>;
  changeSale: (saleId: string, change: SaleChange) => Promise<ChangeOutcome>;
  gate: Pick<Gate, 'levels'>;
}

const ADMIN_PROBLEMS: ProblemKind[] = [...BODY_PROBLEMS, 'unauthenticated', 'forbidden', 'outcome-unknown'];

export const SALES: Operation<SalesPorts>[] = [
  {
    method: 'get',
    path: '/v1/sales',
    summary: 'The sales that are not over, or have orders under way',
    responses: { 200: jsonResponse('The sales', SalesBody) },
    handle: listSales,
  },
  {
    method: 'post',
    path: '/v1/sales',
    summary: 'Create a sale',
    ...ADMIN_TOKEN,
    requestBody: jsonBody(SaleRequest),
    responses: {
      201: jsonResponse('The sale, open for its gate', SaleBody, 'Location'),
      ...problems(ADMIN_PROBLEMS, { 504: ['Location'] }),
    },
    handle: createSale,
  },
  {
    method: 'get',
    path: '/v1/sales/{saleId}',
    summary: 'One sale, and what is left of it',
    requestParams: ONE_SALE,
    responses: { 200: jsonResponse('The sale', SaleBody), ...problems(['bad-request', 'not-found', 'busy']) },
    handle: readSale,
  },
  {
    method: 'patch',
    path: '/v1/sales/{saleId}',
    summary: 'Close, top up or move a sale; absolute values, so the same again changes nothing',
    ...ADMIN_TOKEN,
    requestParams: ONE_SALE,
    requestBody: jsonBody(SaleChangeRequest),
    responses: {
      200: jsonResponse('The sale as it is now', SaleBody),
      ...problems([...ADMIN_PROBLEMS, 'not-found', 'changed-meanwhile', 'busy'], { 504: ['Location'] }),
    },
    handle: changeSale,
  },
];

async function listSales(_request: Request<object>, response: Response, { catalogue, gate }: SalesPorts) {
  const sales = catalogue.all();
  const levels = await gate.levels(sales.map(({ id }) => id));
  const body = { sales: sales.map((sale, index) => fromSale(sale, levels[index]?.tickets ?? null)) };
  response.set('Cache-Control', 'no-store').json(body);
}

async function createSale(request: Request<object>, response: Response, ports: SalesPorts) {
  ports.requireAdmin(request);
  const requested = toSale(mintId(), parse(SaleRequest, await readRequiredJson(request, response)));
  const sale = await ports.createSale(requested).catch((error) => unknown(response, requested.id, error));
  await respondWithSale(response.set('Location', `/v1/sales/${sale.id}`).status(201), sale, ports);
}

async function readSale(request: Request<{ saleId: string }>, response: Response, ports: SalesPorts) {
  await respondWithSale(response, await saleOf(request, ports.catalogue), ports);
}

async function changeSale(request: Request<{ saleId: string }>, response: Response, ports: SalesPorts) {
  ports.requireAdmin(request);
  const change = toChange(parse(SaleChangeRequest, await readRequiredJson(request, response)));
  const saleId = saleIdOf(request);
  const outcome = await ports.changeSale(saleId, change).catch((error) => unknown(response, saleId, error));
  await respondWithSale(response, changed(outcome), ports);
}

async function respondWithSale(response: Response, sale: Sale, { gate }: SalesPorts) {
  const [level] = await gate.levels([sale.id]);
  response.set('Cache-Control', 'no-store').json(fromSale(sale, level?.tickets ?? null));
}

function readRequiredJson(request: Request<object>, response: Response): Promise<unknown> {
  if (!request.is('application/json')) throw new Problem('unsupported-media-type');
  return readJson(request, response);
}

/** A call that failed may still have done it, unless it only read; absolute values may be sent again. */
function unknown(response: Response, saleId: string, error: unknown): never {
  if (error instanceof NoResponse) throw error;
  response.set('Location', `/v1/sales/${saleId}`);
  throw new Problem('outcome-unknown');
}

function changed(outcome: ChangeOutcome): Sale {
  switch (outcome.kind) {
    case 'done':
      return outcome.sale;
    case 'changed-meanwhile':
      throw new Problem('changed-meanwhile', { revision: outcome.sale.revision });
    case 'impossible':
      throw new Problem('bad-request', { errors: [inBody(outcome.problem)] });
    case 'no-such-sale':
      throw new Problem('not-found', { detail: 'no such sale' });
  }
}
