// The bank's HTTP interface: routes, timeouts and the key of its callers.
import { createHash, timingSafeEqual } from 'node:crypto';
import { startHttpServer } from '@flashsale/runtime/http-server';
import type { Log } from '@flashsale/runtime/log';
import { tracing } from '@flashsale/runtime/trace';
import { inCall } from '@flashsale/runtime/trace-context';
import { inOneLine, issuesOf } from '@flashsale/runtime/validation';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { BehaviourChange } from '../domain/behaviour.ts';
import type { Bank, ChargeAnswer, ReverseAnswer } from '../domain/charges.ts';
import { FAILED, notFound, Refused, respondToErrors, sendProblem } from './http-problems.ts';

const Key = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters');
const Charge = z.strictObject({ amountMinor: z.int().min(1), currency: z.string().regex(/^[A-Z]{3}$/) });
const StatementQuery = z.strictObject({ since: z.coerce.number().min(0).default(0) });

export async function startHttp(config: Config, useCases: Bank, log: Log) {
  const stopping = new AbortController();
  const app = routesOf(config.BANK_API_KEY, useCases, stopping.signal, log);
  // A charge may be queued for minutes: only the receiving of a request is timed.
  const timeouts = {
    headersTimeout: 10_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 30_000,
    drainMs: config.STOP_MS,
  };
  const server = await startHttpServer({ host: config.HOST, port: config.HTTP_PORT, app, ...timeouts });
  return {
    port: server.port,
    unready: () => (stopping.signal.aborted ? ['stopping'] : []),
    stop() {
      stopping.abort();
      return server.stop();
    },
  };
}

function routesOf(apiKey: string, useCases: Bank, stopping: AbortSignal, log: Log): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(refuseStrangers(apiKey));
  app.use(express.json({ limit: '4kb' }));

  app.post('/charges', async (request, response) => {
    refuseWhile(stopping, response);
    const key = read(Key, request.get('idempotency-key'), 'Idempotency-Key');
    const charge = read(Charge, request.body, 'body');
    respondToCharge(response, await inTrace(request, 'charge', () => useCases.charge(key, charge)));
  });
  app.post('/charges/:key/reverse', async (request: Request<{ key: string }>, response) => {
    refuseWhile(stopping, response);
    const key = read(Key, request.params.key, 'key');
    respondToReversal(response, key, await inTrace(request, 'reverse', () => useCases.reverse(key)));
  });
  app.get('/statement', (request, response) => {
    response.json(useCases.statement(read(StatementQuery, request.query, 'query').since));
  });
  app.get('/behaviour', (_request, response) => {
    response.json(useCases.behaviour());
  });
  app.patch('/behaviour', (request, response) => {
    useCases.change(read(BehaviourChange, request.body, 'body'));
    response.json(useCases.behaviour());
  });

  app.use(notFound);
  app.use(respondToErrors(log));
  return app;
}

/** The trace of the caller goes on. */
const inTrace = <T>({ headers }: Request, name: string, work: () => Promise<T>): Promise<T> =>
  tracing.on ? inCall(name, headers, work) : work();

function refuseStrangers(apiKey: string): RequestHandler {
  const expected = digest(`Bearer ${apiKey}`);
  return (request, response, next) => {
    // Digests have one length, so the comparison takes one time.
    if (timingSafeEqual(digest(request.get('authorization') ?? ''), expected)) return next();
    response.set('www-authenticate', 'Bearer');
    next(new Refused(401, 'unauthorized', 'Authorization: Bearer <the key you were given> is needed.'));
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest();

const PROBLEMS = {
  declined: { status: 402, code: 'declined', detail: 'The payer has not got the money.' },
  reversed: { status: 409, code: 'reversed', detail: 'This key was reversed; nothing will ever be charged with it.' },
  'other-body': { status: 422, code: 'other-body', detail: 'This key came with another body before.' },
  failed: FAILED,
};

function respondToCharge(response: Response, answer: ChargeAnswer): void {
  if (answer.outcome !== 'captured') {
    sendProblem(response, PROBLEMS[answer.outcome]);
    return;
  }
  const { key, status, atMs, charge } = answer.entry;
  const money = { amountMinor: charge?.amountMinor, currency: charge?.currency };
  response.status(201).json({ key, status, ...money, at: new Date(atMs).toISOString() });
}

function respondToReversal(response: Response, key: string, answer: ReverseAnswer): void {
  if (answer.outcome === 'failed') sendProblem(response, FAILED);
  else response.json({ key, status: answer.outcome });
}

function refuseWhile(stopping: AbortSignal, response: Response): void {
  if (!stopping.aborted) return;
  response.set('connection', 'close');
  throw new Refused(503, 'stopping', 'The bank is closing; nothing happened.');
}

function read<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refused(400, 'invalid', inOneLine(issuesOf(parsed.error, where, `${where}.`)));
}
