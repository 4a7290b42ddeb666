// npm run token -- --buyer alice [--admin] [--hours N]: a token for the live stack, on standard output.
import { parseArgs } from 'node:util';
import { readAddressBook } from '../address-book/address-book.ts';
import { createTokens } from './buyers.ts';

const USAGE = 'usage: npm run token -- --buyer NAME [--admin] [--hours N]';

async function run(): Promise<string> {
  const { values } = parseArgs({
    options: { buyer: { type: 'string' }, admin: { type: 'boolean' }, hours: { type: 'string', default: '12' } },
  });
  const hours = Number(values.hours);
  if (!values.buyer || !(hours > 0)) throw new Error(USAGE);
  const secret = process.env.TOKEN_SECRET || readAddressBook().tokenSecret;
  return createTokens(secret)(values.buyer, { admin: values.admin ?? false, hours });
}

try {
  console.log(await run());
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException;
  console.error(code?.startsWith('ERR_PARSE_ARGS') ? `${message}\n${USAGE}` : message);
  process.exitCode = 1;
}
