// The public port: its operations, how often one buyer may call, and timeouts.
import { type HttpServer, startHttpServer } from '@flashsale/runtime/http-server';
import express, { type RequestHandler } from 'express';
import { CLICKS, type ClicksPorts } from './clicks-http.ts';
import { EVENTS, type EventsPorts } from './events-http.ts';
import { HOLDS, type HoldsPorts } from './holds-http.ts';
import { type Operation, type Params, withDocument } from './openapi.ts';
import { ORDERS, type OrdersPorts } from './orders-http.ts';
import { problemHandler, respondWithProblem } from './problems.ts';
import { SALES, type SalesPorts } from './sales-http.ts';

export type HttpPorts = SalesPorts & ClicksPorts & OrdersPorts & HoldsPorts & EventsPorts;

export function startHttp(options: {
  host: string;
  port: number;
  reusePort: boolean;
  log: { error(fields: object, message: string): void };
  ports: HttpPorts;
}): Promise<HttpServer> {
  const { host, port, reusePort, log, ports } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(notConditional);
  const operations = withDocument<HttpPorts>([...SALES, ...CLICKS, ...ORDERS, ...HOLDS, ...EVENTS]);
  for (const [path, offered] of Map.groupBy(operations, ({ path }) => path)) {
    const route = app.route(path.replace(/{(\w+)}/g, ':$1'));
    for (const { method, handle } of offered)
      route[method]<Params>((request, response) => handle(request, response, ports));
    route.all(notOffered(offered));
  }
  app.use((_request, response) => respondWithProblem(response, 'not-found'));
  app.use(problemHandler(log));

  // Node's defaults wait a minute for a header and five for a request; a burst needs the sockets.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000 };
  return startHttpServer({ host, port, reusePort, app, ...timeouts, keepAliveTimeout: 30_000, drainMs: 5_000 });
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
