// Every way a request can fail: RFC 9457 problems, one table.
import type { EventEmitter } from 'node:events';
import { Id } from '@flashsale/contracts/fields';
import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { NoResponse } from '../domain/ports.ts';

export const PROBLEMS = {
  'bad-request': [400, 'The request is not valid'],
  unauthenticated: [401, 'A valid bearer token is needed'],
  'payment-declined': [402, 'The payment was declined'],
  forbidden: [403, 'This token may not do that'],
  'not-open': [403, 'The sale has not opened yet'],
  closed: [403, 'The sale is closed'],
  'not-found': [404, 'There is no such thing here'],
  'method-not-allowed': [405, 'This method is not offered here'],
  'already-bought': [409, 'This buyer has an order in this sale'],
  limit: [409, 'More than one buyer may have'],
  'changed-meanwhile': [409, 'The sale was changed meanwhile'],
  'order-rejected': [409, 'The order was rejected'],
  'order-ended': [409, 'The order has ended'],
  'not-reserved': [409, 'The order is not reserved yet'],
  'not-a-hold': [409, 'The orders of this sale are paid when they are reserved'],
  'payment-under-way': [409, 'The payment of this order is under way'],
  'not-confirmed': [409, 'Only a confirmed order can be cancelled so'],
  'sold-out': [410, 'Sold out'],
  'too-large': [413, 'The request body is too large'],
  'unsupported-media-type': [415, 'The request body must be application/json'],
  'key-reused': [422, 'This idempotency key came with another body before'],
  'rate-limited': [429, 'Too many clicks of one buyer; nothing happened'],
  internal: [500, 'Something went wrong here'],
  busy: [503, 'Too busy just now; nothing happened'],
  'outcome-unknown': [504, 'The outcome is not known yet; ask at the location'],
} as const;

export type ProblemKind = keyof typeof PROBLEMS;

/** RFC 9457, with the members that some kinds add. */
export const ProblemBody = z
  .strictObject({
    type: z.string().describe('`/problems/` and the kind'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe('Every field that is wrong'),
    orderId: Id.optional(),
    reason: z.string().optional().describe('Why an order was rejected or ended, or the status that it has'),
    opensAt: z.iso.datetime().optional(),
    perBuyerLimit: z.int().optional(),
    revision: z.int().optional().describe('Of the sale as it is now'),
  })
  .meta({ id: 'Problem' });
export type ProblemMembers = Omit<z.infer<typeof ProblemBody>, 'type' | 'title' | 'status'>;

/** Thrown by checks of a request; use cases return values instead. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly members: ProblemMembers;
  constructor(kind: ProblemKind, members: ProblemMembers = {}) {
    super(kind);
    this.kind = kind;
    this.members = members;
  }
}

/** Seconds: 1 or 2, so that many buyers who were refused together do not return together. */
const soon = () => `${1 + Math.round(Math.random())}`;

/** Those that come from elsewhere, as `Location` does, are documented with their route. */
export const PROBLEM_HEADERS: Partial<Record<ProblemKind, Record<string, () => string>>> = {
  busy: { 'Retry-After': soon },
  'rate-limited': { 'Retry-After': soon },
  unauthenticated: { 'WWW-Authenticate': () => 'Bearer' },
};

const SENT = 'problem';

/** Each problem is an event of its app, because it may be sent from anywhere in it. */
export const onProblem = (app: EventEmitter, count: (kind: ProblemKind) => void) => app.on(SENT, count);

/** Written past express's own `send`, in one piece: most responses in a burst are refusals, which must cost little. */
export function respondWithProblem(response: Response, kind: ProblemKind, members: ProblemMembers = {}): void {
  const [status, title] = PROBLEMS[kind];
  const body = JSON.stringify({ type: `/problems/${kind}`, title, status, ...members });
  for (const [name, value] of Object.entries(PROBLEM_HEADERS[kind] ?? {}))
    if (!response.hasHeader(name)) response.setHeader(name, value());
  response
    .writeHead(status, {
      'Content-Type': 'application/problem+json',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
    })
    .end(body);
  response.app.emit(SENT, kind);
}

/** The last middleware: body-parser's and router's errors are the client's, everything else is a bug and is logged. */
export const problemHandler =
  (log: { error(fields: object, message: string): void }) =>
  (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const { kind, members } = asProblem(error);
    if (kind === 'internal')
      log.error({ path: request.path, error: error instanceof Error ? error.stack : error }, 'a request failed');
    respondWithProblem(response, kind, members);
  };

function asProblem(error: unknown): { kind: ProblemKind; members?: ProblemMembers } {
  if (error instanceof Problem) return error;
  if (error instanceof NoResponse) return { kind: 'busy' };
  const { status, type } = error as { status?: number; type?: string };
  if (status === 413) return { kind: 'too-large', members: { detail: 'at most 4 KiB' } };
  if (status === 415) return { kind: 'unsupported-media-type' };
  if (!status || status < 400 || status >= 500) return { kind: 'internal' };
  const detail = type === 'entity.parse.failed' ? 'the body must be a JSON object' : 'the request cannot be read';
  return { kind: 'bad-request', members: { detail } };
}
