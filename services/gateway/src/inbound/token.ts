// Who is asking: a verified token and nothing else.

import type { Request } from 'express';
import { createVerifier } from 'fast-jwt';
import { Problem } from './problems.ts';

export interface Identity {
  buyerId: string;
  admin: boolean;
}

const AUDIENCE = 'flashsale';
const LONGEST_SUBJECT = 255;
// Neither control characters, of which Postgres cannot store NUL, nor halves of a character.
const SUBJECT = /^[^\p{Cc}\p{Cs}]+$/u;

export type Authenticate = (request: Pick<Request, 'get'>) => Identity;

export function createAuthenticate(secret: string): Authenticate {
  // No cache: each buyer comes once, and cached verdicts outlive what they were about.
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    allowedAud: AUDIENCE,
    requiredClaims: ['sub', 'aud', 'exp'],
    cache: false,
  });
  return (request) => {
    const [scheme, token] = (request.get('authorization') ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !token) throw new Problem('unauthenticated');
    let claims: { sub?: unknown; role?: unknown };
    try {
      claims = verify(token);
    } catch {
      throw new Problem('unauthenticated', { detail: 'the token is forged, expired or not for this service' });
    }
    if (typeof claims.sub !== 'string' || claims.sub.length > LONGEST_SUBJECT || !SUBJECT.test(claims.sub))
      throw new Problem('unauthenticated', { detail: 'the token names no subject' });
    return { buyerId: claims.sub, admin: claims.role === 'admin' };
  };
}
