// The public port: the page, the session, and everything else under /api forwarded to the gateway.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpServer } from '@flashsale/runtime/http-server';
import type { Log } from '@flashsale/runtime/log';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Config } from '../config.ts';
import type { LogIn } from '../domain/log-in.ts';
import type { Metrics } from '../metrics.ts';
import { endSession, readSession, respondToLogin, tokenOf } from './session-http.ts';

interface HttpPorts {
  page: Record<'html' | 'script' | 'style', string>;
  gateway: { forward(request: IncomingMessage, response: ServerResponse, path: string, token?: string): void };
  /** None where there is no secret to sign with. */
  logIn: LogIn | undefined;
}

const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:'],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

export async function startHttp(config: Config, ports: HttpPorts, log: Log, metrics: Metrics) {
  const timeouts = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 30_000, drainMs: 5_000 };
  const app = routesOf(ports, log, metrics);
  return await startHttpServer({ host: config.HOST, port: config.HTTP_PORT, app, ...timeouts });
}

function routesOf({ page, gateway, logIn }: HttpPorts, log: Log, metrics: Metrics): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((_request, response, next) => void next(response.set(HEADERS) && undefined));
  app.use(sameOriginOnly);
  app.get('/', send('html', page.html));
  app.get('/page.js', send('js', page.script));
  app.get('/page.css', send('css', page.style));
  app.get('/api/session', (request, response) => readSession(request, response, logIn));
  app.delete('/api/session', endSession);
  if (logIn)
    app.post('/api/session', (request, response) => {
      const outcome = logIn();
      metrics.logins.inc({ outcome: outcome.kind });
      respondToLogin(request, response, outcome);
    });
  app.use('/api/v1', (request, response) =>
    gateway.forward(request, response, request.originalUrl.slice('/api'.length), tokenOf(request)),
  );
  app.use((_request, response) => void response.status(404).end());
  app.use(respondToErrors(log));
  return app;
}

/** Checked with each load, and sent again only when it has changed. */
function send(type: string, body: string): RequestHandler {
  return (_request, response) => void response.type(type).set('Cache-Control', 'no-cache').send(body);
}

/** A page of another origin may neither log a visitor in nor buy for one. */
const sameOriginOnly: RequestHandler = (request, response, next) => {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (reads || request.get('sec-fetch-site') === 'same-origin') return next();
  response.status(403).type('txt').send('only from the page itself\n');
};

/** Express finds some errors in a request, like a path that cannot be decoded; all others are bugs. */
function respondToErrors(log: Log): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const { status = 500 } = error as { status?: number };
    if (status >= 500) log.error({ path: request.path, error: String(error?.stack ?? error) }, 'a request failed');
    response.status(status).end();
  };
}
