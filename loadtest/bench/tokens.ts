// Buyers' tokens in a file, one a line, made before anything is measured.
import { writeFileSync } from 'node:fs';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';

export type Tokens = ReturnType<typeof createTokenFile>;

export function createTokenFile(file: string, secret: string) {
  let made = 0;
  return {
    file,
    first: createTokens(secret)('first'),
    admin: createTokens(secret)('bench', { admin: true }),
    /** Now at least so many, each of a buyer of its own. */
    atLeast(count: number): void {
      if (count <= made) return;
      const lines = createBuyers(secret, 'buyer', count).map((buyer) => `${buyer.token}\n`);
      writeFileSync(file, lines.join(''), { mode: 0o600 });
      made = count;
    },
  };
}
