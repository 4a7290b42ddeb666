// npm run audit [-- --at-rest] [--json FILE]: 0 when every check holds, 1 when one does not, 2 when a store cannot be read.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readStack } from '../../infra/native/stack.ts';
import { audit } from './audit.ts';
import { asJson, describeAudit } from './print.ts';
import { openStores, type StoreAddresses } from './stores.ts';

const USAGE = 'usage: npm run audit [-- --at-rest] [--json FILE]';

/** What the environment names; the rest is the live stack's. */
async function addresses(env = process.env): Promise<StoreAddresses> {
  const named = {
    redisUrl: env.REDIS_URL,
    orders: env.ORDERS_DATABASE_URL,
    inventory: env.INVENTORY_DATABASE_URL,
    payment: env.PAYMENT_DATABASE_URL,
    bankUrl: env.BANK_URL,
    bankApiKey: env.BANK_API_KEY,
  };
  const missing = Object.values(named).some((value) => !value);
  const stack = missing ? await readStack() : null;
  const of = (name: keyof typeof named, other: string | undefined) => {
    const address = named[name] || other;
    if (!address)
      throw new Error('No stack runs here (npm run up, npm run demo), and the environment names no stores.');
    return address;
  };
  return {
    redisUrl: of('redisUrl', stack?.redisUrl),
    databases: {
      orders: of('orders', stack?.databases.orders),
      inventory: of('inventory', stack?.databases.inventory),
      payment: of('payment', stack?.databases.payment),
    },
    bankUrl: of('bankUrl', stack?.bankUrl),
    bankApiKey: of('bankApiKey', stack?.bankApiKey),
  };
}

async function run(): Promise<number> {
  const { values } = parseArgs({ options: { 'at-rest': { type: 'boolean' }, json: { type: 'string' } } });
  const stores = openStores(await addresses());
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
