// One service in this process, with a database of its own, for tests. What it calls, a test scripts at the wire:
// `proxyRpc` of rpc-proxy.ts, and the bank, whose behaviour can be set.
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { connectTo } from '@flashsale/rpc/client';
import { createRegistry } from '@flashsale/runtime/ops';
import pg from 'pg';
import { openNamespace } from '../native/namespace.ts';
import { type Owner, openEnding } from './ending.ts';
import { type Env, startService } from './services.ts';

const CLIENTS = { inventory: InventoryServiceClient, payment: PaymentServiceClient };
type Name = keyof typeof CLIENTS;

export async function openService<Of extends Name>(name: Of, env: Env = {}, owner?: Owner) {
  const { closed, stopped, defer } = openEnding(owner);
  const { databases } = closed(await openNamespace());
  const database = new pg.Pool({ connectionString: databases[name], max: 2 });
  database.on('error', () => undefined);
  defer(() => database.end());
  return {
    databaseUrl: databases[name],
    database,
    /** Replicas, or the next process after one that a test has stopped. */
    async start(own: Env = {}) {
      const service = stopped(await startService[name]({ DATABASE_URL: databases[name], ...env, ...own }));
      const client = connectTo<InstanceType<(typeof CLIENTS)[Name]>>(CLIENTS[name], service.address, {
        retries: 'never',
        registry: createRegistry('test'),
      });
      return { ...service, client: closed(client as InstanceType<(typeof CLIENTS)[Of]>) };
    },
  };
}
