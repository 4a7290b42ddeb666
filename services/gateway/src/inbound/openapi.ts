// The words in which an operation is declared, and the document made of all: OpenAPI 3.1, by zod-openapi.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { PROBLEM_HEADERS, PROBLEMS, ProblemBody, type ProblemKind } from './problems.ts';

/** Each is there where the path names it. */
export type Params = { saleId: string; orderId: string };

/** One operation of the public port: as it is documented, and its handler. */
export interface Operation<Ports> extends ZodOpenApiOperationObject {
  method: 'get' | 'post' | 'patch' | 'delete';
  path: `/${string}`;
  handle: (request: Request<Params>, response: Response, ports: Ports) => Promise<void> | void;
}

const withToken = (whose: string) => ({ security: [{ token: [] }], description: `With the token of ${whose}.` });
export const BUYER_TOKEN = withToken('a buyer');
export const ADMIN_TOKEN = withToken('an admin');

export const READ_PROBLEMS: ProblemKind[] = ['bad-request', 'unauthenticated', 'not-found', 'busy'];
export const BODY_PROBLEMS: ProblemKind[] = ['bad-request', 'too-large', 'unsupported-media-type'];

export const jsonBody = (schema: z.ZodType, required = true) => ({
  required,
  content: { 'application/json': { schema } },
});

export const jsonResponse = (description: string, schema: z.ZodType, ...headers: string[]) => ({
  description,
  ...withHeaders(headers),
  content: { 'application/json': { schema } },
});

/** By status; the kinds of one status differ in their type. `headers`: besides those that a kind always has. */
export function problems(kinds: ProblemKind[], headers: Record<number, string[]> = {}): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(kinds, (kind) => PROBLEMS[kind][0]);
  const responses = [...byStatus].map(([status, same]) => {
    const type = z.enum(same.map((kind) => `/problems/${kind}`));
    const own = same.flatMap((kind) => Object.keys(PROBLEM_HEADERS[kind] ?? {}));
    const description = same.map((kind) => PROBLEMS[kind][1]).join(' · ');
    const content = { 'application/problem+json': { schema: ProblemBody.and(z.looseObject({ type })) } };
    return [status, { description, ...withHeaders([...new Set([...own, ...(headers[status] ?? [])])]), content }];
  });
  return Object.fromEntries(responses);
}

const withHeaders = (names: string[]) =>
  names.length > 0 && { headers: Object.fromEntries(names.map((name) => [name, { schema: { type: 'string' } }])) };

/** The same operations, and the one that describes them and itself. */
export function withDocument<Ports>(operations: Operation<Ports>[]): Operation<Ports>[] {
  const all: Operation<Ports>[] = [
    ...operations,
    {
      method: 'get',
      path: '/openapi.json',
      summary: 'This document',
      responses: { 200: jsonResponse('OpenAPI 3.1', z.looseObject({ openapi: z.string() })) },
      handle(_request, response) {
        response.type('application/json').set('Cache-Control', 'no-cache').send(document);
      },
    },
  ];
  const document = JSON.stringify(describe(all));
  return all;
}

function describe(operations: Operation<never>[]) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const { method, path, handle: _, ...operation } of operations) {
    paths[path] = { ...paths[path], [method]: operation };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Flash sale',
      version: '1',
      description: 'Any call may also get 500 (`/problems/internal`), which is a bug of the server.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  });
}
