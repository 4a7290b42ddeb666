// The session: a token in a cookie that no script can read, and that is sent to /api alone.
import type { Request, Response } from 'express';
import { isLoopback } from '../config.ts';
import type { LogIn, LoginOutcome } from '../domain/log-in.ts';

const NAME = 'buyer';

export function tokenOf(request: Request): string | undefined {
  const cookies = (request.get('cookie') ?? '').split('; ').map((cookie) => cookie.split('='));
  return cookies.find(([name, value]) => name === NAME && value)?.[1];
}

export function readSession(request: Request, response: Response, logIn: LogIn | undefined): void {
  const session = { loggedIn: tokenOf(request) !== undefined, demoLogin: logIn !== undefined };
  response.set('Cache-Control', 'no-store').json(session);
}

export function respondToLogin(request: Request, response: Response, outcome: LoginOutcome): void {
  response.set('Cache-Control', 'no-store');
  if (outcome.kind === 'rate-limited') return void response.set('Retry-After', '1').status(429).end();
  const { token, seconds } = outcome.guest;
  response
    .set('Set-Cookie', cookie(request, token, seconds))
    .status(204)
    .end();
}

export function endSession(request: Request, response: Response): void {
  response
    .set('Cache-Control', 'no-store')
    .set('Set-Cookie', cookie(request, '', 0))
    .status(204)
    .end();
}

/** Secure wherever the page does not come from loopback, where plain HTTP is all there is and Safari refuses it. */
function cookie(request: Request, token: string, seconds: number): string {
  const secure = isLoopback(request.hostname) ? '' : '; Secure';
  return `${NAME}=${token}; HttpOnly; SameSite=Strict; Path=/api; Max-Age=${seconds}${secure}`;
}
