// Makes buyers and signs their tokens; the gateway only verifies.
import { createSigner } from 'fast-jwt';

export interface Buyer {
  id: string;
  token: string;
}

export interface TokenOptions {
  admin?: boolean;
  hours?: number;
}

export function createTokens(secret: string) {
  return (sub: string, { admin = false, hours = 12 }: TokenOptions = {}): string =>
    signer(secret, hours)({ sub, ...(admin && { role: 'admin' }) });
}

const signer = (secret: string, hours: number) =>
  createSigner({ key: secret, algorithm: 'HS256', aud: 'flashsale', expiresIn: hours * 3_600_000 });

/** All of them before the clock starts: signing is no part of what is measured. */
export function createBuyers(secret: string, prefix: string, count: number): Buyer[] {
  const tokenFor = createTokens(secret);
  return Array.from({ length: count }, (_, i) => {
    const id = `${prefix}-${i + 1}`;
    return { id, token: tokenFor(id) };
  });
}
