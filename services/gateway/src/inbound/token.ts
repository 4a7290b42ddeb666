// The identity of a caller: a verified token and nothing else.
import { BuyerId } from '@flashsale/contracts/fields';
import type { Request } from 'express';
import { createVerifier } from 'fast-jwt';
import { Problem } from './problems.ts';

export interface Identity {
  buyerId: string;
  admin: boolean;
}

const AUDIENCE = 'flashsale';

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
    const subject = BuyerId.safeParse(claims.sub);
    if (!subject.success) throw new Problem('unauthenticated', { detail: 'the token names no subject' });
    return { buyerId: subject.data, admin: claims.role === 'admin' };
  };
}

export function requireAdmin(request: Pick<Request, 'get'>, authenticate: Authenticate): void {
  if (!authenticate(request).admin) throw new Problem('forbidden', { detail: 'an admin token is needed' });
}
