// The file that k6 reads of a stack, tokens included, so that k6 signs nothing. For containers it is a command as well:
// node loadtest/course/write-address-book.ts FILE, for the stack and as many BUYERS as the environment names.
import { renameSync, writeFileSync } from 'node:fs';
import { createBuyers, createTokens, type TokenSecrets } from '../../infra/buyers/buyers.ts';
import type { K6AddressBook } from '../k6/shop.ts';

export type K6Stack = Omit<K6AddressBook, 'adminToken' | 'buyers'> & { tokenSecrets: TokenSecrets };

export function writeK6AddressBook(file: string, stack: K6Stack, buyers: number, mode = 0o600): void {
  const { gatewayUrl, bankUrl, bankApiKey, addresses, rabbitManagementUrl, tokenSecrets } = stack;
  const adminToken = createTokens(tokenSecrets)('k6', { admin: true });
  const tokens = createBuyers(tokenSecrets, 'k6', buyers).map(({ token }) => token);
  const book = { gatewayUrl, bankUrl, bankApiKey, addresses, rabbitManagementUrl, adminToken, buyers: tokens };
  writeFileSync(`${file}.new`, JSON.stringify(book satisfies K6AddressBook), { mode });
  renameSync(`${file}.new`, file);
}

function writeForContainer(file: string): void {
  const of = (name: string) => process.env[name] || fail(`${name} is not set`);
  const at = (service: string) => of(`${service}_ADDRESS`);
  const addresses = { orders: at('ORDERS'), inventory: at('INVENTORY'), payment: at('PAYMENT') };
  const urls = { gatewayUrl: of('GATEWAY_URL'), bankUrl: of('BANK_URL'), rabbitManagementUrl: '' };
  const stack = { ...urls, bankApiKey: of('BANK_API_KEY'), addresses };
  const buyers = Number(of('BUYERS'));
  if (!Number.isInteger(buyers) || buyers < 1) fail(`BUYERS must be a number from 1, not ${process.env.BUYERS}`);
  // Readable for all: it is alone in its volume, which only k6 mounts, as another user.
  const tokenSecrets = { buyer: of('BUYER_TOKEN_SECRET'), admin: of('ADMIN_TOKEN_SECRET') };
  writeK6AddressBook(file, { ...stack, tokenSecrets }, buyers, 0o444);
  console.log(`${buyers} buyers have their tokens`);
}

function fail(why: string): never {
  throw new Error(why);
}

if (import.meta.main)
  writeForContainer(process.argv[2] || fail('usage: node loadtest/course/write-address-book.ts FILE'));
