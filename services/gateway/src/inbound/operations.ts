// Every route of the public port: what it takes, what it answers, and every way it can refuse.
import { z } from 'zod';
import { ConfirmedBody, OrderBody, PayingBody, QueuedBody, ReservedBody, SaleBody, SalesBody } from './bodies.ts';
import type { ProblemKind } from './problems.ts';
import { IdempotencyKey, OrderQuery, OrderRequest, SaleChangeRequest, SaleQuery, SaleRequest } from './schemas.ts';

export interface Answer {
  description: string;
  body?: z.ZodType;
  /** Instead of JSON. */
  type?: 'text/event-stream';
  headers?: string[];
}

export interface Operation {
  summary: string;
  /** The token that it takes, if any. */
  token?: 'buyer' | 'admin';
  headers?: Record<string, { description: string; schema?: z.ZodType }>;
  query?: z.ZodObject;
  request?: { schema: z.ZodType; required: boolean };
  answers: Record<number, Answer>;
  problems: ProblemKind[];
  /** Of an answer of that status, whatever kind of problem it is. */
  problemHeaders?: Record<number, string[]>;
}

const READ_PROBLEMS: ProblemKind[] = ['bad-request', 'unauthenticated', 'not-found', 'busy'];
const BODY_PROBLEMS: ProblemKind[] = ['bad-request', 'too-large', 'unsupported-media-type'];
const ADMIN_PROBLEMS: ProblemKind[] = [...BODY_PROBLEMS, 'unauthenticated', 'forbidden', 'outcome-unknown'];

/** Paths as OpenAPI writes them. */
export const OPERATIONS: Record<string, Partial<Record<'get' | 'post' | 'patch' | 'delete', Operation>>> = {
  '/v1/sales': {
    get: {
      summary: 'The sales that are not over, or have orders under way',
      answers: { 200: { description: 'The sales', body: SalesBody } },
      problems: [],
    },
    post: {
      summary: 'Create a sale',
      token: 'admin',
      request: { schema: SaleRequest, required: true },
      answers: { 201: { description: 'The sale, open for its gate', body: SaleBody, headers: ['Location'] } },
      problems: ADMIN_PROBLEMS,
      problemHeaders: { 504: ['Location'] },
    },
  },
  '/v1/sales/{saleId}': {
    get: {
      summary: 'One sale, and what is left of it',
      answers: { 200: { description: 'The sale', body: SaleBody } },
      problems: ['bad-request', 'not-found', 'busy'],
    },
    patch: {
      summary: 'Close, top up or move a sale; absolute values, so the same again changes nothing',
      token: 'admin',
      request: { schema: SaleChangeRequest, required: true },
      answers: { 200: { description: 'The sale as it is now', body: SaleBody } },
      problems: [...ADMIN_PROBLEMS, 'not-found', 'changed-meanwhile', 'busy'],
      problemHeaders: { 504: ['Location'] },
    },
  },
  '/v1/sales/{saleId}/orders': {
    post: {
      summary: 'Buy',
      token: 'buyer',
      headers: {
        'Idempotency-Key': { description: 'The same key again means the same order', schema: IdempotencyKey },
        Prefer: { description: '`wait=N`: hold the answer of a queued order for up to N seconds, at most 30' },
      },
      request: { schema: OrderRequest, required: false },
      answers: {
        201: {
          description:
            'Confirmed, or reserved where it is to be paid for: of a direct sale, or of a queued one within the wait',
          body: z.union([ConfirmedBody, ReservedBody]),
          headers: ['Location', 'Preference-Applied'],
        },
        202: {
          description: 'Accepted and in line; the result is at the location. With a key that came before: the same',
          body: QueuedBody,
          headers: ['Location', 'Retry-After', 'Preference-Applied'],
        },
      },
      problems: [
        ...BODY_PROBLEMS,
        'unauthenticated',
        'payment-declined',
        'not-open',
        'closed',
        'not-found',
        'already-bought',
        'limit',
        'order-rejected',
        'sold-out',
        'key-reused',
        'rate-limited',
        'busy',
        'outcome-unknown',
      ],
      problemHeaders: {
        402: ['Location', 'Preference-Applied'],
        409: ['Location', 'Preference-Applied'],
        410: ['Preference-Applied'],
        422: ['Location'],
        504: ['Location'],
      },
    },
  },
  '/v1/orders': {
    get: {
      summary: "The caller's live order in a sale",
      token: 'buyer',
      query: SaleQuery,
      answers: { 200: { description: 'The order', body: OrderBody, headers: ['Retry-After'] } },
      problems: READ_PROBLEMS,
    },
  },
  '/v1/orders/{orderId}': {
    get: {
      summary: "Where one of the caller's orders stands",
      token: 'buyer',
      query: OrderQuery,
      answers: { 200: { description: 'The order', body: OrderBody, headers: ['Retry-After'] } },
      problems: READ_PROBLEMS,
    },
    delete: {
      summary: 'Cancel an order that is reserved and whose payment was not requested',
      token: 'buyer',
      query: OrderQuery,
      answers: { 200: { description: 'The order, cancelled; the same again changes nothing', body: OrderBody } },
      problems: [
        ...READ_PROBLEMS,
        'order-ended',
        'not-reserved',
        'payment-under-way',
        'rate-limited',
        'outcome-unknown',
      ],
      problemHeaders: { 504: ['Location'] },
    },
  },
  '/v1/orders/{orderId}/payment': {
    post: {
      summary: 'Pay for a reserved order; the same again never pays twice',
      token: 'buyer',
      query: OrderQuery,
      answers: {
        201: { description: 'Confirmed', body: ConfirmedBody, headers: ['Location'] },
        202: {
          description: 'The payment is in line; the result is at the location',
          body: PayingBody,
          headers: ['Location', 'Retry-After'],
        },
      },
      problems: [
        ...READ_PROBLEMS,
        'payment-declined',
        'order-ended',
        'not-reserved',
        'not-a-hold',
        'rate-limited',
        'outcome-unknown',
      ],
      problemHeaders: { 402: ['Location'], 504: ['Location'] },
    },
  },
  '/v1/orders/{orderId}/cancel': {
    post: {
      summary: 'Cancel a confirmed order: its units are for sale again, and its money is given back',
      token: 'admin',
      answers: { 200: { description: 'The order, cancelled; the same again changes nothing', body: OrderBody } },
      problems: [...READ_PROBLEMS, 'forbidden', 'not-confirmed', 'outcome-unknown'],
    },
  },
  '/v1/orders/{orderId}/events': {
    get: {
      summary: 'The course of an order as server-sent events, until it is final and no refund is owed',
      token: 'buyer',
      query: OrderQuery,
      headers: { 'Last-Event-ID': { description: 'The last event that the caller has' } },
      answers: {
        200: {
          description: 'Events named `order`; the data of each is an Order',
          body: OrderBody,
          type: 'text/event-stream',
        },
        204: { description: 'The caller has the last event, and it was the final one' },
      },
      problems: READ_PROBLEMS,
    },
  },
  '/openapi.json': {
    get: {
      summary: 'This document',
      answers: { 200: { description: 'OpenAPI 3.1', body: z.looseObject({ openapi: z.string() }) } },
      problems: [],
    },
  },
};
