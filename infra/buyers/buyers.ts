// Makes buyers and signs their tokens; the gateway only verifies.
import { createSigner } from 'fast-jwt';

export function createTokens(secret: string) {
  return (sub: string, { admin = false, hours = 12 } = {}): string => {
    const sign = createSigner({ key: secret, algorithm: 'HS256', aud: 'flashsale', expiresIn: hours * 3_600_000 });
    return sign({ sub, ...(admin && { role: 'admin' }) });
  };
}

/** Signed before a clock starts: signing is no part of a measurement. */
export function createBuyers(secret: string, prefix: string, count: number) {
  const tokenFor = createTokens(secret);
  return Array.from({ length: count }, (_, i) => ({ id: `${prefix}-${i + 1}`, token: tokenFor(`${prefix}-${i + 1}`) }));
}
