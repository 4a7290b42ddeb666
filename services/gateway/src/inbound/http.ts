// The public port: routes, timeouts, and a stop that lets responses out.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler, type Router } from 'express';
import { OPERATIONS } from './operations.ts';
import { problemHandler, respondWithProblem } from './problems.ts';

const DRAIN_MS = 5_000;

export interface PublicServer {
  port: number;
  stop(): Promise<void>;
}

export async function startHttp(options: {
  host: string;
  port: number;
  routers: Router[];
  log: { error(fields: object, message: string): void };
}): Promise<PublicServer> {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(notConditional);
  const refusals = Object.entries(OPERATIONS).map(
    ([path, methods]) => [expressPath(path), notOffered(methods)] as const,
  );
  // Before the routers, which would answer OPTIONS by themselves.
  for (const [path, refuse] of refusals) app.options(path, refuse);
  app.use(...options.routers);
  for (const [path, refuse] of refusals) app.all(path, refuse);
  app.use((_request, response) => respondWithProblem(response, 'not-found'));
  app.use(problemHandler(options.log));

  // Node's defaults wait a minute for a header and five for a request; a crowd needs the sockets.
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000, keepAliveTimeout: 30_000 },
    app,
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, 4_096, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      // A kept-open connection is idle again after its answer, and would hold the server until its client goes.
      const idle = setInterval(() => server.closeIdleConnections(), 100);
      const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearInterval(idle);
      clearTimeout(timer);
    },
  };
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
