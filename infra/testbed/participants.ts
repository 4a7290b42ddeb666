// The neighbours of orders and the gateway, in this process on real servers in an own namespace: inventory, payment and the bank.
// All of it, and all that a test starts from here, ends after the tests of the file, the last one first.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { createBank } from '../clients/bank.ts';
import { openNamespace } from '../native/namespace.ts';
import { until } from '../until.ts';
import { type Owner, openEnding } from './ending.ts';
import { BANK_API_KEY, type Env, type ServiceName, startService } from './services.ts';
import { layWire } from './wire.ts';
import { startWorker } from './worker.ts';

export type Settings = Partial<Record<ServiceName, Env>>;

/** Tests do not wait for timeouts that are made for many buyers. */
const SHORT_TIMEOUTS: Settings = {
  bank: { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '1', LATENCY_P99_MS: '2' },
  inventory: { REOPEN_DAMPING_MS: '200' },
  orders: { JOBS_EVERY_MS: '200', COMPENSATE_AFTER_MS: '1500', CHARGE_TIMEOUT_MS: '1000' },
  gateway: {
    REFRESH_MS: '200',
    UNSENT_DUE_MS: '1500',
    SENT_DUE_MS: '1500',
    RPC_DEADLINE_MS: '10000',
    CONFIRM_TIMEOUT_MS: '20000',
    CLICKS_PER_BUYER: '1000',
    REBUILD_COURTESY_MS: '2000',
  },
};

export async function openParticipants(settings: Settings = {}) {
  const ending = openEnding();
  const { closed, stopped } = ending;
  const env = (service: ServiceName, addresses: Env, own: Env = {}): Env => ({
    ...addresses,
    ...SHORT_TIMEOUTS[service],
    ...settings[service],
    ...own,
  });

  const namespace = closed(await openNamespace());
  const folder = await mkdtemp(join(tmpdir(), 'flashsale-bank-'));
  ending.defer(() => rm(folder, { recursive: true, force: true }));
  const { databases, redisUrl, amqpUrl } = namespace;
  const inventoryPostgres = closed(await layWire(databases.inventory));
  const bank = stopped(await startService.bank(env('bank', { STORE_FILE: join(folder, 'statement.jsonl') })));
  const inventory = stopped(await startService.inventory(env('inventory', { DATABASE_URL: inventoryPostgres.url })));
  const paymentEnv = { DATABASE_URL: databases.payment, BANK_URL: bank.url };
  const payment = stopped(await startService.payment(env('payment', paymentEnv)));
  const services = { bank, inventory, payment };
  const ready = (ops: number) =>
    until('the service is ready', async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).ok);
  await Promise.all(Object.values(services).map(({ ops }) => ready(ops)));

  return {
    ending,
    env,
    namespace,
    stores: { redisUrl, databases, bankUrl: bank.url, bankApiKey: BANK_API_KEY },
    inventoryPostgres,
    services,
    ready,
    bank: createBank(bank.url, BANK_API_KEY),
    async channel() {
      return closed(await connect(amqpUrl)).createConfirmChannel();
    },
    /** Workers of orders, for tests that need more of them, or none at first. */
    async startOrders(own: Env = {}, owner?: Owner) {
      const start = startWorker({ namespace, services }, (addresses) => env('orders', addresses, own));
      const worker = stopped(await start, owner);
      await ready(worker.ops);
      return { ...worker, ready: () => ready(worker.ops) };
    },
  };
}
