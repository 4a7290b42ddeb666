// Reading an order, and what requests about orders have in common: how they name a sale or an order, how long they stay
// open, an order's location, its results, and when to come back.
import { Id, isUuid, mintedAt } from '@flashsale/contracts/fields';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Catalogue } from '../domain/catalogue.ts';
import type { LimitPerKey } from '../domain/limits.ts';
import { awaitsPayment, type FoundOrder, isFinal, type OrderRef } from '../domain/order-view.ts';
import type { Gate, OrderView } from '../domain/ports.ts';
import { isLongOver, type Sale } from '../domain/sale.ts';
import { type ConfirmedBody, fromOrder, moneyOf, OrderBody, OrderQuery, parse, SaleQuery } from './bodies.ts';
import { BUYER_TOKEN, jsonResponse, type Operation, problems, READ_PROBLEMS } from './openapi.ts';
import { Problem, respondWithProblem } from './problems.ts';
import type { Identity } from './token.ts';

export interface OrdersPorts {
  authenticate: Identity['authenticate'];
  findOrder: (ref: OrderRef) => Promise<FoundOrder | undefined>;
  catalogue: Catalogue;
  gate: Pick<Gate, 'orderOf'>;
}

export interface ListeningPorts {
  followOrder: (ref: OrderRef, signal: AbortSignal) => AsyncIterable<FoundOrder>;
  /** For all requests that listen or wait. */
  listeners: LimitPerKey;
  /** The gateway is about to stop. */
  stopping: AbortSignal;
}

export const ONE_SALE = { path: z.object({ saleId: Id }) };
const orderPath = z.object({ orderId: Id });
export const ONE_ORDER = { path: orderPath, query: OrderQuery };

export const ORDERS: Operation<OrdersPorts>[] = [
  {
    method: 'get',
    path: '/v1/orders',
    summary: "The caller's live order in a sale",
    ...BUYER_TOKEN,
    requestParams: { query: SaleQuery },
    responses: { 200: jsonResponse('The order', OrderBody, 'Retry-After'), ...problems(READ_PROBLEMS) },
    handle: readLiveOrder,
  },
  {
    method: 'get',
    path: '/v1/orders/{orderId}',
    summary: "Where one of the caller's orders stands",
    ...BUYER_TOKEN,
    requestParams: ONE_ORDER,
    responses: { 200: jsonResponse('The order', OrderBody, 'Retry-After'), ...problems(READ_PROBLEMS) },
    handle: readOrder,
  },
];

async function readOrder(request: Request<{ orderId: string }>, response: Response, ports: OrdersPorts) {
  const ref = orderRefOf(request, ports);
  respondWithOrder(response, ref, await findOwn(ref, ports));
}

/** For a buyer whose click got no response: the id is not known then. */
async function readLiveOrder(request: Request<object>, response: Response, ports: OrdersPorts) {
  const { authenticate, catalogue, gate } = ports;
  const { buyerId } = authenticate(request);
  const { sale: saleId } = parse(SaleQuery, request.query, 'query');
  const sale = await catalogue.find(saleId);
  const orderId = sale ? await gate.orderOf(saleId, buyerId) : null;
  if (sale && orderId === 'unavailable' && isLongOver(sale, Date.now()))
    throw new Problem('not-found', { detail: 'the sale is over, and its orders are found by their ids' });
  if (orderId === 'unavailable') throw new Problem('busy');
  if (!orderId) throw new Problem('not-found', { detail: 'no live order of this buyer in this sale' });
  const ref = toOrderRef({ orderId, buyerId, saleId, epoch: sale?.epoch });
  respondWithOrder(response, ref, await findOwn(ref, ports));
}

function respondWithOrder(response: Response, { mintedAtMs }: OrderRef, order: FoundOrder): void {
  if (!isFinal(order) && !awaitsPayment(order)) response.set('Retry-After', retryAfter(order.waiting?.waitMs));
  response.set('Cache-Control', 'no-store').json(fromOrder(order, mintedAtMs));
}

/** In small letters, as Postgres returns it. */
export function saleIdOf({ params }: Request<{ saleId: string }>): string {
  if (!isUuid(params.saleId)) throw new Problem('not-found', { detail: 'no such sale' });
  return params.saleId.toLowerCase();
}

export async function saleOf(request: Request<{ saleId: string }>, catalogue: Catalogue): Promise<Sale> {
  const sale = await catalogue.find(saleIdOf(request));
  if (!sale) throw new Problem('not-found', { detail: 'no such sale' });
  return sale;
}

/** From path, query and token. */
export function orderRefOf(
  request: Request<{ orderId: string }>,
  { authenticate }: Pick<OrdersPorts, 'authenticate'>,
): OrderRef {
  const { buyerId } = authenticate(request);
  const { sale, epoch } = parse(OrderQuery, request.query, 'query');
  return toOrderRef({ orderId: request.params.orderId.toLowerCase(), buyerId, saleId: sale, epoch });
}

export function toOrderRef(order: Omit<OrderRef, 'mintedAtMs'>): OrderRef {
  const mintedAtMs = mintedAt(order.orderId);
  if (mintedAtMs === undefined) throw new Problem('not-found', { detail: 'no such order' });
  return { ...order, mintedAtMs };
}

/** Another buyer's order is not found, like one that never was. */
export async function findOwn(ref: OrderRef, { findOrder }: Pick<OrdersPorts, 'findOrder'>): Promise<FoundOrder> {
  const order = await findOrder(ref);
  if (!order) throw new Problem('not-found', { detail: 'no such order' });
  return order;
}

/** Carries sale and epoch, with which the gate can decide that the order never was. */
export function locate(response: Response, order: Pick<OrderRef, 'orderId' | 'saleId' | 'epoch'>): Response {
  const { orderId, saleId, epoch = 0 } = order;
  return response.set('Location', `/v1/orders/${orderId}${saleId ? `?sale=${saleId}&epoch=${epoch}` : ''}`);
}

export function respondConfirmed(response: Response, order: OrderView): void {
  const body: z.infer<typeof ConfirmedBody> = { orderId: order.orderId, status: 'confirmed', amount: moneyOf(order) };
  locate(response, order).status(201).json(body);
}

export function respondDeclined(response: Response, order: OrderView): void {
  respondWithProblem(locate(response, order), 'payment-declined', endOf(order));
}

/** An order that was cancelled or expired may have no reason of its own. */
export const endOf = ({ orderId, status, reason }: OrderView) => ({ orderId, reason: reason ?? status });

/** Aborts when the client has gone, also when it went before this call: its `close` comes once. */
export function whenGone(response: Response): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}

const LONGEST_RETRY_S = 60;

/** Seconds: jittered, and before the estimated wait is over, since estimates may be too long. Without one 1 or 2. */
export function retryAfter(waitMs?: number | null, random: () => number = Math.random): string {
  const seconds = Math.round(((waitMs ?? 2_500) / 1_000) * (0.4 + 0.4 * random()));
  return `${Math.min(Math.max(seconds, 1), LONGEST_RETRY_S)}`;
}
