// The public interface, machine-readable: OpenAPI 3.1, made of the schemas that check and type it.
import { Router } from 'express';
import { z } from 'zod';
import { ConfirmedBody, OrderBody, PayingBody, QueuedBody, ReservedBody, SaleBody, SalesBody } from './bodies.ts';
import { type Answer, OPERATIONS, type Operation } from './operations.ts';
import { PROBLEM_HEADERS, PROBLEMS, ProblemBody } from './problems.ts';
import { OrderRequest, SaleChangeRequest, SaleRequest } from './schemas.ts';

const NAMES = new Map<z.ZodType, string>([
  [SaleBody, 'Sale'],
  [SalesBody, 'Sales'],
  [OrderBody, 'Order'],
  [QueuedBody, 'Queued'],
  [ReservedBody, 'Reserved'],
  [ConfirmedBody, 'Confirmed'],
  [PayingBody, 'Paying'],
  [ProblemBody, 'Problem'],
  [SaleRequest, 'SaleRequest'],
  [SaleChangeRequest, 'SaleChange'],
  [OrderRequest, 'OrderRequest'],
]);

const refTo = (schema: z.ZodType) =>
  NAMES.has(schema) ? { $ref: `#/components/schemas/${NAMES.get(schema)}` } : asJson(schema);

export function openapiRouter(): Router {
  const document = JSON.stringify(describe());
  const router = Router();
  router.get('/openapi.json', (_request, response) => {
    response.type('application/json').set('Cache-Control', 'no-cache').send(document);
  });
  return router;
}

function describe() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flash sale',
      version: '1',
      description: 'Any call may also be answered 500 (`/problems/internal`), which is a bug of the server.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(Object.entries(OPERATIONS).map(([path, methods]) => [path, item(path, methods)])),
    components: {
      schemas: Object.fromEntries([...NAMES].map(([schema, name]) => [name, asJson(schema)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function item(path: string, methods: Partial<Record<string, Operation>>) {
  const parameters = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', format: 'uuid' },
  }));
  const operations = Object.entries(methods).map(([method, operation]) => [
    method,
    describeOne(operation as Operation),
  ]);
  return { ...(parameters.length && { parameters }), ...Object.fromEntries(operations) };
}

function describeOne(operation: Operation) {
  const { summary, token, headers = {}, query, request, answers } = operation;
  const parameters = [
    ...Object.entries(headers).map(([name, { description, schema = z.string() }]) => ({
      name,
      in: 'header',
      description,
      schema: asJson(schema),
    })),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
      name,
      in: 'query',
      required: !(schema as z.ZodType).safeParse(undefined).success,
      schema: asJson(schema as z.ZodType),
    })),
  ];
  const content = request && { 'application/json': { schema: refTo(request.schema) } };
  return {
    summary,
    ...(token && {
      security: [{ token: [] }],
      description: `With the token of ${token === 'admin' ? 'an admin' : 'a buyer'}.`,
    }),
    ...(parameters.length && { parameters }),
    ...(request && { requestBody: { required: request.required, content } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      ...describeProblems(operation),
    },
  };
}

const describeAnswer = ({ description, body, type = undefined, headers = [] }: Answer) => ({
  description,
  ...describeHeaders(headers),
  ...(type
    ? { content: { [type]: { schema: { type: 'string' } } } }
    : body && { content: { 'application/json': { schema: refTo(body) } } }),
});

/** By status; the kinds of one status differ in their type. */
function describeProblems({ problems, problemHeaders = {} }: Operation) {
  const byStatus = Map.groupBy(problems, (kind) => PROBLEMS[kind][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => {
      const type = { enum: same.map((kind) => `/problems/${kind}`) };
      const schema = { allOf: [refTo(ProblemBody), { properties: { type } }] };
      const description = same.map((kind) => PROBLEMS[kind][1]).join(' · ');
      const own = same.flatMap((kind) => Object.keys(PROBLEM_HEADERS[kind] ?? {}));
      const headers = describeHeaders([...new Set([...own, ...(problemHeaders[status] ?? [])])]);
      return [status, { description, ...headers, content: { 'application/problem+json': { schema } } }];
    }),
  );
}

const describeHeaders = (names: string[]) =>
  names.length > 0 && { headers: Object.fromEntries(names.map((name) => [name, { schema: { type: 'string' } }])) };

function asJson(schema: z.ZodType) {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json;
}
