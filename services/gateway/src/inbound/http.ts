// The public port: its operations, how often one buyer may call, and timeouts.
import { startHttpServer } from '@flashsale/runtime/http-server';
import type { Log } from '@flashsale/runtime/log';
import { fromOutside } from '@flashsale/runtime/steps';
import { tracing } from '@flashsale/runtime/trace';
import express, { type Express, type RequestHandler } from 'express';
import type { Config } from '../config.ts';
import { createLimitPerKey } from '../domain/limits.ts';
import { CLICKS, type ClicksPorts } from './clicks-http.ts';
import { EVENTS, type EventsPorts } from './events-http.ts';
import { HOLDS, type HoldsPorts } from './holds-http.ts';
import { type Operation, type Params, withDocument } from './openapi.ts';
import { ORDERS, type OrdersPorts } from './orders-http.ts';
import { onProblem, PROBLEMS, type ProblemKind, problemHandler, respondWithProblem } from './problems.ts';
import { SALES, type SalesPorts } from './sales-http.ts';
import { createIdentity, type Identity } from './token.ts';

type HttpPorts = SalesPorts & ClicksPorts & OrdersPorts & HoldsPorts & EventsPorts;
type Own = keyof Identity | 'isRateLimited' | 'listeners' | 'stopping' | 'heartbeatMs';

interface ProblemCounter {
  inc(labels: { problem: ProblemKind; status: number }): void;
}

export async function startHttp(config: Config, useCases: Omit<HttpPorts, Own>, log: Log, problems: ProblemCounter) {
  const stopping = new AbortController();
  const ports: HttpPorts = {
    ...useCases,
    ...createIdentity({ buyer: config.BUYER_TOKEN_SECRET, admin: config.ADMIN_TOKEN_SECRET }),
    isRateLimited: createRateLimit(config.CLICKS_PER_BUYER),
    listeners: createLimitPerKey(config.MAX_LISTENERS, config.MAX_LISTENERS_OF_A_BUYER),
    stopping: stopping.signal,
    heartbeatMs: config.HEARTBEAT_MS,
  };
  // Node's defaults wait a minute for a header and five for a request; a burst needs the sockets.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 30_000, drainMs: 5_000 };
  const listen = { host: config.HOST, port: config.HTTP_PORT, reusePort: config.HTTP_REUSE_PORT };
  const app = routesOf(ports, log);
  onProblem(app, (problem) => problems.inc({ problem, status: PROBLEMS[problem][0] }));
  const server = await startHttpServer({ ...listen, app, ...timeouts, connectionsCheckingInterval: 1_000 });
  return {
    port: server.port,
    listeners: ports.listeners.inside,
    stop() {
      stopping.abort();
      return server.stop();
    },
  };
}

function routesOf(ports: HttpPorts, log: Log): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(notConditional);
  if (tracing.on) app.use((request, _response, next) => fromOutside(request.headers, next));
  const operations = withDocument<HttpPorts>([...SALES, ...CLICKS, ...ORDERS, ...HOLDS, ...EVENTS]);
  for (const [path, offered] of Map.groupBy(operations, ({ path }) => path)) {
    const route = app.route(path.replace(/{(\w+)}/g, ':$1'));
    for (const { method, handle } of offered)
      route[method]<Params>((request, response) => handle(request, response, ports));
    route.all(notOffered(offered));
  }
  app.use((_request, response) => respondWithProblem(response, 'not-found'));
  app.use(problemHandler(log));
  return app;
}

/** Express would respond 304 to conditional requests; nothing here stays as it is for long. */
const notConditional: RequestHandler = (request, _response, next) => {
  delete request.headers['if-none-match'];
  delete request.headers['if-modified-since'];
  next();
};

function notOffered(offered: Operation<never>[]): RequestHandler {
  const allow = offered.map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase())).join(', ');
  return (_request, response) => respondWithProblem(response.set('Allow', allow), 'method-not-allowed');
}

/** Requests of one buyer per second, at this gateway: checked before the gate has anything to do. */
export function createRateLimit(mostPerSecond: number, now = () => Date.now()): (buyerId: string) => boolean {
  let second = 0;
  const requests = new Map<string, number>();
  return (buyerId) => {
    const current = Math.floor(now() / 1_000);
    if (current !== second) requests.clear();
    second = current;
    const count = (requests.get(buyerId) ?? 0) + 1;
    requests.set(buyerId, count);
    return count > mostPerSecond;
  };
}
