// The public port: routes and timeouts.
import { type HttpServer, startHttpServer } from '@flashsale/runtime/http-server';
import express, { type RequestHandler, type Router } from 'express';
import { OPERATIONS } from './operations.ts';
import { problemHandler, respondWithProblem } from './problems.ts';

export function startHttp(options: {
  host: string;
  port: number;
  reusePort: boolean;
  routers: Router[];
  log: { error(fields: object, message: string): void };
}): Promise<HttpServer> {
  const { host, port, reusePort, routers, log } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(notConditional);
  const refusals = Object.entries(OPERATIONS).map(
    ([path, methods]) => [expressPath(path), notOffered(methods)] as const,
  );
  // Before the routers, which would answer OPTIONS by themselves.
  for (const [path, refuse] of refusals) app.options(path, refuse);
  app.use(...routers);
  for (const [path, refuse] of refusals) app.all(path, refuse);
  app.use((_request, response) => respondWithProblem(response, 'not-found'));
  app.use(problemHandler(log));

  // Node's defaults wait a minute for a header and five for a request; a crowd needs the sockets.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000 };
  return startHttpServer({ host, port, reusePort, app, ...timeouts, keepAliveTimeout: 30_000, drainMs: 5_000 });
}

/** Express would respond 304 to conditional requests; nothing here stays as it is for long. */
const notConditional: RequestHandler = (request, _response, next) => {
  delete request.headers['if-none-match'];
  delete request.headers['if-modified-since'];
  next();
};

const expressPath = (path: string) => path.replace(/{(\w+)}/g, ':$1');

function notOffered(methods: object): RequestHandler {
  const allow = Object.keys(methods).map((method) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()));
  return (_request, response) => respondWithProblem(response.set('Allow', allow.join(', ')), 'method-not-allowed');
}
