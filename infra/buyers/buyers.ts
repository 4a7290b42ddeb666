// Makes buyers and signs tokens; the gateway only verifies.
import { createSigner } from 'fast-jwt';

/** Buyers and admins have a secret each. */
export type TokenSecrets = Record<'buyer' | 'admin', string>;

const AUDIENCES = { buyer: 'flashsale-buyers', admin: 'flashsale-admins' };

export function createTokens(secrets: TokenSecrets) {
  return (sub: string, { admin = false, hours = 12 } = {}): string => {
    const role = admin ? 'admin' : 'buyer';
    const about = { aud: AUDIENCES[role], expiresIn: hours * 3_600_000 };
    return createSigner({ key: secrets[role], algorithm: 'HS256', ...about })({ sub });
  };
}

/** Signed before a clock starts: signing is no part of a measurement. */
export function createBuyers(secrets: TokenSecrets, prefix: string, count: number) {
  const tokenFor = createTokens(secrets);
  return Array.from({ length: count }, (_, i) => ({ id: `${prefix}-${i + 1}`, token: tokenFor(`${prefix}-${i + 1}`) }));
}
