// What a round is measured on: a fresh stack, the references beside it, and buyers.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openStores } from '../../infra/audit/stores.ts';
import { createBank } from '../../infra/clients/bank.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { createVhost, managementApi } from '../../infra/native/namespace.ts';
import { type Stack, startStack } from '../../infra/native/stack.ts';
import { layLedger } from './ledger.ts';
import { createOrdersProcess } from './orders-process.ts';
import { startReference } from './references.ts';
import { createSales } from './sales.ts';
import type { Settings } from './settings.ts';
import { createTokenFile } from './tokens.ts';

export type Venue = Awaited<ReturnType<typeof openVenue>>;
/** What is to be ended, the last first; filled as it comes into being. */
export type Undo = (() => Promise<unknown>)[];

const RUN = join(import.meta.dirname, `../../.local/bench-${process.pid}`);
const FAST_BANK = { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '0', LATENCY_P99_MS: '0' };

export async function openVenue({ settings, end, undo }: { settings: Settings; end: AbortSignal; undo: Undo }) {
  const lost = new AbortController();
  const signal = AbortSignal.any([end, lost.signal]);
  const onLost = (server: string) => lost.abort(new Error(`no bench without ${server}, which has ended`));
  const stack = await startStack({ dir: RUN, settings: { bank: FAST_BANK }, onLost, signal });
  undo.push(stack.stop);
  const orders = createOrdersProcess(stack);
  undo.push(orders.stop);
  const stores = openStores(stack);
  undo.push(stores.close);
  await stores.redis.connect();
  const shop = createShop(stack.gatewayUrl);
  const tokens = createTokenFile(join(RUN, 'tokens'), stack.tokenSecret);
  return {
    settings,
    signal,
    stack,
    orders,
    stores,
    tokens,
    bank: createBank(stack.bankUrl, stack.bankApiKey),
    sales: createSales({ shop, gatewayUrl: stack.gatewayUrl, tokens, signal }),
    ledger: await layLedger(stack.databases.orders),
    references: await startReferences(stack, undo),
  };
}

/** With a Redis database and a virtual host of their own: the gateway and orders never meet what is left there. */
async function startReferences({ dir, redisUrl, amqpUrl, rabbitManagementUrl, tokenSecret }: Stack, undo: Undo) {
  const refusal = await startReference({ dir, name: 'refusal' });
  undo.push(refusal.stop);
  const password = await createVhost(managementApi(rabbitManagementUrl), 'reference');
  const saleIds = { warmUp: randomUUID(), counted: randomUUID() };
  const env = {
    REDIS_URL: `${redisUrl}/1`,
    AMQP_URL: `amqp://reference:${password}@${new URL(amqpUrl).host}/reference`,
    TOKEN_SECRET: tokenSecret,
    SALE_IDS: Object.values(saleIds).join(','),
  };
  const accept = await startReference({ dir, name: 'accept', env });
  undo.push(accept.stop);
  return { refusal, accept: { ...accept, saleIds } };
}
