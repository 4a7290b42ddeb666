// npm run token -- --buyer NAME [--admin] [--hours N] [--count N]: tokens for the running stack, one per line, with
// --count those of NAME-1, NAME-2, …; exit code 1 and the usage for a wrong option.
import { parseArgs } from 'node:util';
import { readAddressBook } from '../address-book/address-book.ts';
import { createTokens } from './buyers.ts';

const USAGE = 'usage: npm run token -- --buyer NAME [--admin] [--hours N] [--count N]';
/** 350 bytes each: 35 MB, and about two seconds of signing. */
const MOST = 100_000;

const text = { type: 'string' } as const;

/** In containers, which have no address book. */
function namedSecrets({ BUYER_TOKEN_SECRET: buyer, ADMIN_TOKEN_SECRET: admin } = process.env) {
  return buyer && admin ? { buyer, admin } : undefined;
}

function tokens(): string[] {
  const options = { buyer: text, admin: { type: 'boolean', default: false }, hours: text, count: text } as const;
  const { buyer, admin, hours = '12', count } = parseArgs({ options }).values;
  const names = count === undefined ? 1 : Number(count);
  if (!buyer || !(Number(hours) > 0) || !Number.isInteger(names) || names < 1 || names > MOST) throw new Error(USAGE);
  const tokenFor = createTokens(namedSecrets() ?? readAddressBook().tokenSecrets);
  const token = (name: string) => tokenFor(name, { admin, hours: Number(hours) });
  return count === undefined ? [token(buyer)] : Array.from({ length: names }, (_, i) => token(`${buyer}-${i + 1}`));
}

try {
  console.log(tokens().join('\n'));
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException;
  console.error(code?.startsWith('ERR_PARSE_ARGS') ? `${message}\n${USAGE}` : message);
  process.exitCode = 1;
}
