// The gateway, to which requests are forwarded: a token in place of the cookie, and the response as it comes, event by event.
import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { pipeline } from 'node:stream';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';

/** Above the gateway's longest wait (30 s) and the heartbeat of its streams (15 s). */
const SILENT_MS = 60_000;
const READY_WITHIN_MS = 2_000;
/** No cookie, no host, and no `Authorization` but the cookie's token. */
const REQUEST_HEADERS = [
  'accept',
  'content-type',
  'content-length',
  'idempotency-key',
  'prefer',
  'last-event-id',
] as const;
const NOT_PASSED_ON = ['connection', 'keep-alive', 'transfer-encoding', 'set-cookie'];

export function createGateway({ GATEWAY_URL, MAX_FORWARDED }: Config, metrics: Metrics, log: Log) {
  const secure = GATEWAY_URL.startsWith('https:');
  const agent = secure ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const call = secure ? httpsRequest : httpRequest;
  const streams = new Set<ServerResponse>();
  let forwarding = 0;

  function enter(response: ServerResponse, upstream: ClientRequest): void {
    metrics.forwarding.set(++forwarding);
    response.once('close', () => {
      metrics.forwarding.set(--forwarding);
      streams.delete(response);
      upstream.destroy();
    });
  }

  function respond(response: ServerResponse, received: IncomingMessage): void {
    const { statusCode = 502, headers } = received;
    metrics.forwarded.inc({ status: `${Math.floor(statusCode / 100)}xx` });
    if (headers['content-type']?.startsWith('text/event-stream')) streams.add(response);
    response.writeHead(statusCode, passedOn(headers));
    pipeline(received, response, () => undefined);
  }

  function refuse(response: ServerResponse, status: 'none' | 'full', [code, problem]: [number, string]): void {
    metrics.forwarded.inc({ status });
    const headers = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', 'Retry-After': '2' };
    const body = { type: `/problems/${problem}`, title: 'The shop gave no response', status: code };
    response.writeHead(code, headers).end(JSON.stringify(body));
  }

  function fail(response: ServerResponse, error: Error): void {
    if (response.destroyed) return;
    log.warn({ error: error.message }, 'the gateway gave no response');
    if (response.headersSent) response.destroy();
    else refuse(response, 'none', [502, 'no-response']);
  }

  return {
    forward(request: IncomingMessage, response: ServerResponse, path: string, token?: string): void {
      if (forwarding >= MAX_FORWARDED) {
        refuse(response, 'full', [503, 'busy']);
        return;
      }
      const options = { method: request.method, headers: headersFor(request.headers, token), agent };
      const upstream = call(new URL(path, GATEWAY_URL), { ...options, timeout: SILENT_MS });
      enter(response, upstream);
      upstream.once('timeout', () => upstream.destroy(new Error(`silent for ${SILENT_MS} ms`)));
      upstream.on('error', (error) => fail(response, error));
      upstream.once('response', (received) => respond(response, received));
      // Not a pipeline: that would destroy the caller's connection where the gateway has none.
      request.pipe(upstream);
    },
    async unready(): Promise<string[]> {
      const signal = AbortSignal.timeout(READY_WITHIN_MS);
      const sales = await fetch(new URL('/v1/sales', GATEWAY_URL), { signal }).catch(() => undefined);
      await sales?.body?.cancel();
      return sales?.ok ? [] : ['gateway'];
    },
    /** A stream has no end of its own; its reader reconnects, to another process or the next one. */
    endStreams() {
      for (const response of streams) response.end();
    },
    close: () => agent.destroy(),
  };
}

function headersFor(given: IncomingHttpHeaders, token?: string): Record<string, string> {
  const named = REQUEST_HEADERS.flatMap((name) => (given[name] === undefined ? [] : [[name, String(given[name])]]));
  // Without a length, Node would announce a body where there is none.
  const chunked = given['transfer-encoding'] !== undefined;
  return {
    ...(!chunked && { 'content-length': '0' }),
    ...Object.fromEntries(named),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
}

function passedOn(received: IncomingHttpHeaders): IncomingHttpHeaders {
  const headers = Object.fromEntries(Object.entries(received).filter(([name]) => !NOT_PASSED_ON.includes(name)));
  const { location } = received;
  return location?.startsWith('/v1/') ? { ...headers, location: `/api${location}` } : headers;
}
