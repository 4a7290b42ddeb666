// Signs the tokens of the demo's guests: buyers, never admins, because the admins' secret is not here.
import { randomBytes } from 'node:crypto';
import { createSigner } from 'fast-jwt';
import type { Guest } from '../domain/log-in.ts';

const SECONDS = 3_600;

export function createGuests(secret: string): () => Guest {
  const sign = createSigner({ key: secret, algorithm: 'HS256', aud: 'flashsale-buyers', expiresIn: SECONDS * 1_000 });
  return () => ({ token: sign({ sub: `guest-${randomBytes(8).toString('hex')}` }), seconds: SECONDS });
}
