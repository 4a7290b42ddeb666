// Every response that is not a success: application/problem+json (RFC 9457), from one place.
import type { Log } from '@flashsale/runtime/log';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';

export interface Problem {
  status: number;
  code: string;
  detail: string;
}

export const FAILED: Problem = {
  status: 500,
  code: 'failed',
  detail: 'Something broke; whether it took effect is not known.',
};

/** A request that is refused before it reaches the bank. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.problem = { status, code, detail };
  }
}

export function sendProblem(response: Response, { status, code, detail }: Problem): void {
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: `urn:problem:bank:${code}`, title: code, status, detail }));
}

export const notFound: RequestHandler = (request) => {
  throw new Refused(404, 'not-found', `There is no ${request.method} ${request.path} here.`);
};

export const respondToErrors =
  (log: Pick<Log, 'error'>): ErrorRequestHandler =>
  (error, request, response, _next) => {
    const problem = error instanceof Refused ? error.problem : fromFramework(error);
    if (problem) return sendProblem(response, problem);
    log.error({ method: request.method, path: request.path, error: error?.stack ?? String(error) }, 'a call failed');
    sendProblem(response, FAILED);
  };

/** Errors that express and its body parser find in a request: bad JSON, too large, a broken path. */
function fromFramework(error: unknown): Problem | undefined {
  const status = (error as { status?: unknown } | null)?.status;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  return { status, code: 'invalid', detail: (error as Error).message };
}
