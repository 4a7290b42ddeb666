// The identity of a caller: a verified token and nothing else. Buyers and admins have secrets and audiences of their own,
// so that a process which signs tokens for buyers cannot sign one for an admin.
import { BuyerId } from '@flashsale/contracts/fields';
import type { Request } from 'express';
import { createVerifier } from 'fast-jwt';
import { Problem } from './problems.ts';

const AUDIENCES = { buyer: 'flashsale-buyers', admin: 'flashsale-admins' };

type Caller = Pick<Request, 'get'>;
/** Returns the subject of a token that is valid, and undefined for any other. */
type Verify = (token: string) => string | undefined;

export type Identity = ReturnType<typeof createIdentity>;

export function createIdentity(secrets: Record<keyof typeof AUDIENCES, string>) {
  const buyerOf = createVerify(secrets.buyer, AUDIENCES.buyer);
  const adminOf = createVerify(secrets.admin, AUDIENCES.admin);
  return {
    authenticate(caller: Caller): { buyerId: string } {
      const buyerId = buyerOf(tokenOf(caller));
      if (buyerId === undefined) throw invalidFor('a buyer');
      return { buyerId };
    },
    requireAdmin(caller: Caller): void {
      const token = tokenOf(caller);
      if (adminOf(token) !== undefined) return;
      if (buyerOf(token) !== undefined) throw new Problem('forbidden', { detail: 'an admin token is needed' });
      throw invalidFor('an admin');
    },
  };
}

const invalidFor = (role: string) =>
  new Problem('unauthenticated', { detail: `the token is forged, expired, without a subject or not for ${role}` });

function tokenOf(caller: Caller): string {
  const [scheme, token] = (caller.get('authorization') ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !token) throw new Problem('unauthenticated');
  return token;
}

function createVerify(secret: string, allowedAud: string): Verify {
  // No cache: each buyer comes once, and cached verdicts outlive what they were about.
  const checks = { allowedAud, requiredClaims: ['sub', 'aud', 'exp'], cache: false };
  const verify = createVerifier({ ...checks, key: secret, algorithms: ['HS256'] });
  return (token) => {
    try {
      return BuyerId.safeParse(verify(token).sub).data;
    } catch {
      return undefined;
    }
  };
}
