// Buying: a click, and the one mapping from its outcome to HTTP.
import { mintedAt } from '@flashsale/contracts/fields';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Catalogue } from '../domain/catalogue.ts';
import { untilOutcome } from '../domain/follow-order.ts';
import type { Click } from '../domain/place-order.ts';
import type { PlaceOutcome, Refusal } from '../domain/place-outcome.ts';
import type { OrderView } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { ConfirmedBody, moneyOf, OrderRequest, parse, QueuedBody, ReservedBody, readJson } from './bodies.ts';
import { BODY_PROBLEMS, BUYER_TOKEN, jsonBody, jsonResponse, type Operation, problems } from './openapi.ts';
import {
  endOf,
  type ListeningPorts,
  locate,
  ONE_SALE,
  respondConfirmed,
  respondDeclined,
  retryAfter,
  saleOf,
  whenGone,
} from './orders-http.ts';
import { Problem, type ProblemKind, respondWithProblem } from './problems.ts';
import type { Identity } from './token.ts';

export interface ClicksPorts extends ListeningPorts {
  authenticate: Identity['authenticate'];
  isRateLimited: (buyerId: string) => boolean;
  catalogue: Catalogue;
  refuseEarly: (sale: Sale) => Refusal | undefined;
  placeOrder: (sale: Sale, click: Click) => Promise<PlaceOutcome>;
  resultOf: (order: OrderView, sale: Sale) => Promise<PlaceOutcome | undefined>;
}

const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
  .optional();
const CLICK_HEADERS = z.object({
  'Idempotency-Key': IdempotencyKey.describe('The same key again means the same order'),
  Prefer: z
    .string()
    .optional()
    .describe('`wait=N`: hold the response of a queued order for up to N seconds, at most 30'),
});
const LONGEST_WAIT_S = 30;
const LOCATED = ['Location'];
const WAITED = ['Location', 'Preference-Applied'];
const SUCCESSES = {
  201: jsonResponse(
    'Confirmed, or reserved where it is to be paid for: of a direct sale, or of a queued one within the wait',
    z.union([ConfirmedBody, ReservedBody]),
    ...WAITED,
  ),
  202: jsonResponse(
    'Accepted and queued; the result is at the location. With a key that came before: the same',
    QueuedBody,
    ...['Location', 'Retry-After', 'Preference-Applied'],
  ),
};
const REFUSED: ProblemKind[] = ['not-open', 'closed', 'not-found', 'already-bought', 'limit', 'sold-out', 'key-reused'];
const ENDED: ProblemKind[] = ['payment-declined', 'order-rejected'];
const NOT_PLACED = problems(
  [...BODY_PROBLEMS, 'unauthenticated', ...REFUSED, ...ENDED, 'rate-limited', 'busy', 'outcome-unknown'],
  { 402: WAITED, 409: WAITED, 410: ['Preference-Applied'], 422: LOCATED, 504: LOCATED },
);

export const CLICKS: Operation<ClicksPorts>[] = [
  {
    method: 'post',
    path: '/v1/sales/{saleId}/orders',
    summary: 'Buy',
    ...BUYER_TOKEN,
    requestParams: { ...ONE_SALE, header: CLICK_HEADERS },
    requestBody: jsonBody(OrderRequest, false),
    responses: { ...SUCCESSES, ...NOT_PLACED },
    handle: click,
  },
];

async function click(request: Request<{ saleId: string }>, response: Response, ports: ClicksPorts) {
  const sale = await saleOf(request, ports.catalogue);
  // A request with a key may be for an order that was placed before, so that it always reaches the gate.
  const refusal = request.headers['idempotency-key'] === undefined && ports.refuseEarly(sale);
  if (refusal) return respondRefused(response, refusal, sale);
  const { buyerId } = ports.authenticate(request);
  if (ports.isRateLimited(buyerId)) return respondWithProblem(response, 'rate-limited');
  if (hasBody(request.headers) && !request.is('application/json')) throw new Problem('unsupported-media-type');
  const body = (await readJson(request, response)) ?? {};
  const idempotencyKey = parse(IdempotencyKey, request.get('idempotency-key'), 'Idempotency-Key');
  const chosen = parse(OrderRequest, body);
  const requested = { ...chosen, buyerId, idempotencyKey, whenGone: () => whenGone(response) };
  const placed = await ports.placeOrder(sale, requested);
  respondPlaced(response, await waitForResult(placed, { sale, buyerId }, request, response, ports), sale);
}

/** `Prefer: wait=N` (RFC 7240): the queue used as if it were a call, so that the response waits for the result. */
async function waitForResult(
  placed: PlaceOutcome,
  { sale, buyerId }: { sale: Sale; buyerId: string },
  request: Request<object>,
  response: Response,
  { followOrder, listeners, stopping, resultOf }: ClicksPorts,
): Promise<PlaceOutcome> {
  const seconds = preferredSeconds(request.get('prefer'));
  if (placed.kind !== 'queued' || !seconds || !listeners.enter(buyerId)) return placed;
  try {
    response.set('Preference-Applied', `wait=${seconds}`);
    const { orderId } = placed;
    const mintedAtMs = mintedAt(orderId) ?? Date.now();
    const ref = { orderId, buyerId, mintedAtMs, saleId: sale.id, epoch: sale.epoch };
    const signal = AbortSignal.any([whenGone(response), stopping, AbortSignal.timeout(seconds * 1_000)]);
    return (await untilOutcome(followOrder(ref, signal), (order) => resultOf(order, sale))) ?? placed;
  } finally {
    listeners.leave(buyerId);
  }
}

/** A preference that cannot be read is none: RFC 7240 wants no error. */
function preferredSeconds(prefer = ''): number | undefined {
  for (const preference of prefer.split(',')) {
    const [, plain, quoted] = /^\s*wait\s*=\s*(?:(\d+)|"(\d+)")\s*(?:;.*)?$/i.exec(preference) ?? [];
    const seconds = plain ?? quoted;
    if (seconds !== undefined) return Math.min(Number(seconds), LONGEST_WAIT_S);
  }
  return undefined;
}

const hasBody = (headers: { 'content-length'?: string | undefined; 'transfer-encoding'?: string | undefined }) =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

function respondPlaced(response: Response, placed: PlaceOutcome, sale: Sale) {
  const saleId = sale.id;
  response.set('Cache-Control', 'no-store');
  switch (placed.kind) {
    case 'queued':
      locate(response, { ...placed, saleId, epoch: sale.epoch }).set('Retry-After', retryAfter(placed.waitMs));
      return void response.status(202).json(queued(placed.orderId));
    case 'reserved':
      locate(response, { ...placed.order, saleId }).status(201);
      return void response.json(reserved(placed.order));
    case 'confirmed':
      return respondConfirmed(response, placed.order);
    case 'declined':
      return respondDeclined(response, placed.order);
    case 'rejected':
      locate(response, { ...placed.order, saleId });
      return respondWithProblem(response, 'order-rejected', endOf(placed.order));
    case 'unknown':
      locate(response, { ...placed, saleId });
      return respondWithProblem(response, 'outcome-unknown', { orderId: placed.orderId });
    case 'already-bought': {
      const { orderId } = placed;
      if (orderId) locate(response, { orderId, saleId, epoch: sale.epoch });
      return respondWithProblem(response, 'already-bought', orderId ? { orderId } : {});
    }
    case 'key-reused':
      // Its first request may have been admitted by an earlier gate.
      locate(response, { ...placed, saleId, epoch: 0 });
      return respondWithProblem(response, 'key-reused', { orderId: placed.orderId });
    case 'limit':
      return respondWithProblem(response, 'limit', { perBuyerLimit: sale.perBuyerLimit });
    default:
      return respondRefused(response, placed, sale);
  }
}

/** Nothing happened. */
function respondRefused(response: Response, refusal: Refusal, { opensAtMs }: Sale): void {
  if (refusal.kind === 'busy') response.set('Retry-After', retryAfter(refusal.waitMs));
  const members = refusal.kind === 'not-open' ? { opensAt: new Date(opensAtMs).toISOString() } : {};
  respondWithProblem(response, refusal.kind, members);
}

const queued = (orderId: string): z.infer<typeof QueuedBody> => ({ orderId, status: 'queued' });

const reserved = (order: OrderView): z.infer<typeof ReservedBody> => ({
  orderId: order.orderId,
  status: 'reserved',
  deadline: new Date(order.deadlineMs ?? 0).toISOString(),
  amount: moneyOf(order),
});
