// A shop, the document of its public port, and the walk that holds one against the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@flashsale/rpc/client';
import { RpcError } from '@flashsale/rpc/handlers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { v7 } from 'uuid';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';

interface Documented {
  security?: object[];
  responses: Record<string, { headers?: object; content?: Record<string, { schema: Schema }> }>;
}
type Schema = { allOf?: { properties?: { type?: { enum: string[] } } }[] };

export const shop = await openShop();
export const limited = await shop.start.gateway({
  CLICKS_PER_BUYER: '1',
  MAX_LISTENERS: '1',
  DIRECT_MAX_IN_FLIGHT: '1',
});
export const admin = shop.tokenFor('admin', { admin: true });
export const buyer = () => shop.tokenFor(v7());
export const queued = await shop.createSale({ mode: 'queued', stock: 1_000 });
export const direct = await shop.createSale({ mode: 'direct', stock: 1_000 });

export const document = (await (await shop.request('/openapi.json')).json()) as {
  openapi: string;
  paths: Record<string, Record<string, Documented>>;
};
const ajv = addFormats.default(new Ajv2020({ strict: false }));
ajv.addSchema(document, 'document');

/** `at`: the way to a schema in the document. */
export function errorsOf(value: unknown, ...at: (string | number)[]): string | undefined {
  const pointer = at.map((part) => encodeURIComponent(`${part}`.replaceAll('/', '~1'))).join('/');
  const validate = ajv.compile({ $ref: `document#/${pointer}` });
  return validate(value) ? undefined : `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`;
}

export interface Sent {
  token?: string;
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
  /** Another gateway than the shop's own. */
  at?: string;
}
export function send(method: string, path: string, { token, body, type, headers, at }: Sent = {}): Promise<Response> {
  const content = body !== undefined && { 'content-type': type ?? 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init = { method, headers: { ...content, ...headers }, ...(body !== undefined && { body: text }) };
  return shop.request(path, init, token, at);
}

export const UNAVAILABLE = async () => {
  throw new RpcError(status.DEADLINE_EXCEEDED, 'not now');
};

/** While `script` responds in that neighbour's place. */
export async function scripted(
  proxy: keyof typeof shop.proxies,
  method: string,
  script: () => Promise<unknown>,
  call: () => Promise<Response>,
) {
  shop.proxies[proxy].on(method, script);
  try {
    return await call();
  } finally {
    shop.proxies[proxy].on(method);
  }
}

export const tooOften = (call: (again: Sent) => Promise<Response>) => {
  const again = { token: buyer(), at: limited.url };
  return until('it is too often', async () => {
    const response = await call(again);
    return response.status === 429 && response;
  });
};

/** By operation, `get /v1/sales`, then by status or kind of problem: a call that has that response. */
export type Live = Record<string, Record<string, () => Promise<Response>>>;

/** `isHere`: of a path, that all its operations are among them. */
export function walk(live: Live, isHere: (path: string) => boolean): void {
  test('every operation that is documented is walked here, and no other', () => {
    const here = Object.entries(document.paths).filter(([path]) => isHere(path));
    const documented = here.flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    assert.deepEqual(documented.sort(), Object.keys(live).sort());
  });

  for (const [route, calls] of Object.entries(live)) {
    const [method = '', path = ''] = route.split(' ');
    const documented = document.paths[path]?.[method] as Documented;

    test(`${route}: every response and every problem that is documented can be had, and no other is`, () => {
      const kinds = Object.entries(documented.responses).flatMap(([code, { content }]) => {
        const problem = content?.['application/problem+json'];
        return problem ? kindsOf(problem.schema).map((type) => type.replace('/problems/', '')) : [code];
      });
      assert.deepEqual(kinds.sort(), Object.keys(calls).sort());
    });

    for (const [expected, call] of Object.entries(calls))
      test(`${route}: ${expected}, as documented`, async () => {
        const response = await call();
        await assertDocumented(response, expected, documented, ['paths', path, method, 'responses', response.status]);
      });

    test(`${route}: a token is needed where it is documented, and documented where it is needed`, async () => {
      const anywhere = path.replace(/{\w+}/g, queued);
      const response = await send(method.toUpperCase(), anywhere, method === 'get' ? {} : { body: {} });
      assert.equal(response.status === 401, documented.security !== undefined, `${response.status}`);
      await response.body?.cancel();
    });
  }
}

const kindsOf = (schema: Schema) => schema.allOf?.flatMap(({ properties }) => properties?.type?.enum ?? []) ?? [];

async function assertDocumented(
  response: Response,
  expected: string,
  { responses }: Documented,
  at: (string | number)[],
) {
  const text = await response.text();
  const documented = responses[response.status];
  assert.ok(documented, `${response.status} is not documented: ${text}`);
  const type = response.headers.get('content-type')?.split(';')[0];
  if (/^\d/.test(expected)) assert.equal(`${response.status}`, expected, text);
  else assert.equal((JSON.parse(text) as { type: string }).type, `/problems/${expected}`, text);
  assert.deepEqual(Object.keys(documented.content ?? {}), type ? [type] : []);
  assertHeaders(response, expected, documented.headers ?? {});
  if (type?.endsWith('json') && !response.url.endsWith('/openapi.json'))
    assert.equal(errorsOf(JSON.parse(text), ...at, 'content', type, 'schema'), undefined);
}

function assertHeaders({ headers }: Response, expected: string, documented: object) {
  const may = Object.keys(documented).map((name) => name.toLowerCase());
  for (const name of ['location', 'www-authenticate', 'retry-after', 'preference-applied'])
    if (headers.has(name)) assert.ok(may.includes(name), `${name} is not documented`);
  if (may.includes('location') && !['limit', 'already-bought'].includes(expected))
    assert.ok(headers.has('location'), 'location is missing');
}
