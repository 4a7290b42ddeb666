// npm run audit [-- --at-rest] [--json FILE]: 0 when every check holds, 1 when one does not, 2 when a store cannot be read.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type AddressBook, readAddressBook } from '../address-book/address-book.ts';
import { audit } from './audit.ts';
import { asJson, describeAudit } from './print.ts';
import { openStores, type StoreAddresses } from './stores.ts';

const USAGE = 'usage: npm run audit [-- --at-rest] [--json FILE]';

/** What the environment names; the rest is the live stack's. */
function addresses(env = process.env): StoreAddresses {
  const of = (name: string, inStack: (stack: AddressBook) => string) => env[name] || inStack(readAddressBook());
  return {
    redisUrl: of('REDIS_URL', (stack) => stack.redisUrl),
    databases: {
      orders: of('ORDERS_DATABASE_URL', (stack) => stack.databases.orders),
      inventory: of('INVENTORY_DATABASE_URL', (stack) => stack.databases.inventory),
      payment: of('PAYMENT_DATABASE_URL', (stack) => stack.databases.payment),
    },
    bankUrl: of('BANK_URL', (stack) => stack.bankUrl),
    bankApiKey: of('BANK_API_KEY', (stack) => stack.bankApiKey),
  };
}

async function run(): Promise<number> {
  const { values } = parseArgs({ options: { 'at-rest': { type: 'boolean' }, json: { type: 'string' } } });
  const stores = openStores(addresses());
  try {
    const result = await audit(stores, values['at-rest'] ? { atRest: true } : {});
    console.log(describeAudit(result).join('\n'));
    if (values.json) await writeFile(values.json, `${JSON.stringify(asJson(result), null, 2)}\n`);
    return result.ok ? 0 : 1;
  } finally {
    await stores.close();
  }
}

process.exitCode = await run().catch((error: Error & { code?: string }) => {
  console.error(error.code?.startsWith('ERR_PARSE_ARGS') ? `${error.message}\n${USAGE}` : error.message);
  return 2;
});
