// Writes the file that k6 reads of a stack, tokens included, so that k6 signs nothing. For containers it is a command of its
// own: node loadtest/course/write-address-book.ts FILE, for the stack and the number of BUYERS that the environment names.
import { renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import type { K6AddressBook } from '../k6/shop.ts';

export type K6Stack = Omit<K6AddressBook, 'adminToken' | 'buyers'> & { tokenSecret: string };

export function writeK6AddressBook(file: string, stack: K6Stack, buyers: number, mode = 0o600): void {
  const { gatewayUrl, bankUrl, bankApiKey, addresses, tokenSecret } = stack;
  const book: K6AddressBook = {
    ...{ gatewayUrl, bankUrl, bankApiKey, addresses },
    adminToken: createTokens(tokenSecret)('k6', { admin: true }),
    buyers: createBuyers(tokenSecret, 'k6', buyers).map(({ token }) => token),
  };
  writeFileSync(`${file}.new`, JSON.stringify(book), { mode });
  renameSync(`${file}.new`, file);
}

/** Alone in its volume, which only k6 mounts, as another user. */
const READABLE = 0o444;

const Environment = z.object({
  GATEWAY_URL: z.url(),
  BANK_URL: z.url(),
  BANK_API_KEY: z.string(),
  TOKEN_SECRET: z.string(),
  ORDERS_ADDRESS: z.string(),
  INVENTORY_ADDRESS: z.string(),
  PAYMENT_ADDRESS: z.string(),
  BUYERS: z.coerce.number().int().min(1),
});

function writeForContainer(file: string | undefined): void {
  if (!file) throw new Error('usage: node loadtest/course/write-address-book.ts FILE');
  const env = Environment.parse(process.env);
  const stack: K6Stack = {
    ...{ gatewayUrl: env.GATEWAY_URL, bankUrl: env.BANK_URL },
    ...{ bankApiKey: env.BANK_API_KEY, tokenSecret: env.TOKEN_SECRET },
    addresses: { orders: env.ORDERS_ADDRESS, inventory: env.INVENTORY_ADDRESS, payment: env.PAYMENT_ADDRESS },
  };
  writeK6AddressBook(file, stack, env.BUYERS, READABLE);
  console.log(`${env.BUYERS} buyers have their tokens`);
}

if (import.meta.main) writeForContainer(process.argv[2]);
