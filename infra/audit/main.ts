// npm run audit [-- --at-rest] [--json FILE]: 0 when every check holds, 1 when one fails, 2 when a store is unreadable.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readAddressBook } from '../address-book/address-book.ts';
import { audit } from './audit.ts';
import { asJson, describeAudit } from './print.ts';
import { openStores, type StoreAddresses } from './stores.ts';

const USAGE = 'usage: npm run audit [-- --at-rest] [--json FILE]';

/** The addresses that the environment names; the rest are the running stack's, which need not be there without them. */
const addresses = ({ env } = process): StoreAddresses => ({
  redisUrl: env.REDIS_URL || readAddressBook().redisUrl,
  databases: {
    orders: env.ORDERS_DATABASE_URL || readAddressBook().databases.orders,
    inventory: env.INVENTORY_DATABASE_URL || readAddressBook().databases.inventory,
    payment: env.PAYMENT_DATABASE_URL || readAddressBook().databases.payment,
  },
  bankUrl: env.BANK_URL || readAddressBook().bankUrl,
  bankApiKey: env.BANK_API_KEY || readAddressBook().bankApiKey,
  // The queues are not read if the environment names the stores but no broker.
  amqpUrl: env.AMQP_URL || (env.REDIS_URL ? undefined : readAddressBook().amqpUrl),
});

async function run(): Promise<number> {
  const { values } = parseArgs({ options: { 'at-rest': { type: 'boolean' }, json: { type: 'string' } } });
  await using closing = new AsyncDisposableStack();
  const stores = closing.adopt(openStores(addresses()), (opened) => opened.close());
  const result = await audit(stores, values['at-rest'] ? { atRest: true } : {});
  console.log(describeAudit(result).join('\n'));
  if (values.json) await writeFile(values.json, `${JSON.stringify(asJson(result), null, 2)}\n`);
  return result.ok ? 0 : 1;
}

process.exitCode = await run().catch((error: Error & { code?: string }) => {
  console.error(error.code?.startsWith('ERR_PARSE_ARGS') ? `${error.message}\n${USAGE}` : error.message);
  return 2;
});
