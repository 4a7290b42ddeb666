// The process: health, reflection, ops, a bad environment, a stop that finishes what is in flight.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import { call, connectTo } from '@flashsale/rpc/client';
import { credentials, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Registry } from '@prometheus-io/client';
import { service as healthService } from 'grpc-health-check';
import { openNamespace, withPostgres } from '../../../infra/native/namespace.ts';
import { refuses, spawnService } from '../../../infra/testbed/process.ts';
import { anOrder } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { lockSales, openInventory } from './inventory.ts';

const NAME = 'flashsale.inventory.v1.InventoryService';
const inventory = await openInventory();

const plainClient = (definition: ServiceDefinition) => {
  const Client = makeGenericClientConstructor(definition, 'Plain');
  const client = new Client(inventory.address, credentials.createInsecure());
  after(() => client.close());
  return client;
};

test('health is checked by name and for all', async () => {
  const client = plainClient(healthService);
  for (const service of ['', NAME]) {
    const response = await new Promise((resolve, reject) => {
      client.check?.({ service }, (error: Error | null, found: unknown) => (error ? reject(error) : resolve(found)));
    });
    assert.deepEqual(response, { status: 'SERVING' });
  }
});

test('reflection lists the service and knows its messages', async () => {
  const proto = new URL('../proto/grpc/reflection/v1/reflection.proto', import.meta.resolve('@grpc/reflection'));
  const definition = loadSync(fileURLToPath(proto))['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;
  const stream = plainClient(definition).serverReflectionInfo?.();
  stream.write({ listServices: '' });
  const [{ listServicesResponse }] = await once(stream, 'data');
  const names = listServicesResponse.service.map(({ name }: { name: string }) => name);
  assert.ok(names.includes(NAME));
  stream.write({ fileContainingSymbol: `${NAME}.Reserve` });
  const [{ fileDescriptorResponse }] = await once(stream, 'data');
  assert.ok(fileDescriptorResponse.fileDescriptorProto.some((file: Buffer) => file.includes('ReserveRequest')));
  stream.end();
});

test('the ops port says alive and ready', async () => {
  for (const path of ['livez', 'readyz'])
    assert.equal((await fetch(`http://127.0.0.1:${inventory.ops}/${path}`)).status, 200);
});

test('a bad environment ends the process with one message that names every bad variable and shows no value', async (t) => {
  const env = { GRPC_PORT: 'many', DATABASE_URL: 'mysql://root:hunter2@db/inventory', LOG_LEVEL: 'loud' };
  const { exit, stderr } = spawnService(t, 'inventory', env);
  assert.deepEqual(await exit, [1, null]);
  const message = await stderr;
  assert.equal(message.trim().split('\n').length, 4);
  for (const name of ['GRPC_PORT', 'DATABASE_URL', 'LOG_LEVEL']) assert.match(message, new RegExp(`^  ${name}: `, 'm'));
  assert.doesNotMatch(message, /hunter2|many|loud/);
});

test('a database of another edition ends the process with one sentence, and stays as it is', async (t) => {
  const other = await openNamespace();
  t.after(() => other.close());
  const DATABASE_URL = other.databases.inventory;
  const migrated = 'CREATE TABLE migrations (id serial PRIMARY KEY, name varchar NOT NULL, run_on timestamp NOT NULL)';
  await withPostgres(DATABASE_URL, [
    migrated,
    "INSERT INTO migrations (name, run_on) VALUES ('001_sales_and_reservations', now())",
  ]);
  const { exit, stderr } = spawnService(t, 'inventory', { GRPC_PORT: 0, DATABASE_URL });
  assert.deepEqual(await exit, [1, null]);
  assert.equal(
    await stderr,
    `The database "inventory_${other.id}" was made by another edition of this project ` +
      '(migration 001_sales_and_reservations is not known here); start with an empty database.\n',
  );
  await withPostgres(DATABASE_URL, ['CREATE TABLE sales ()']);
});

test('SIGTERM lets the call in flight end, and the process with code 0', async (t) => {
  const env = { GRPC_PORT: 0, DATABASE_URL: inventory.databaseUrl };
  const { child, exit, listening } = spawnService(t, 'inventory', env);
  const { address } = await listening();
  const client = connectTo(InventoryServiceClient, address, { retries: 'never', registry: new Registry() });
  t.after(() => client.close());
  const sale = await inventory.open(1);
  const unlock = await lockSales(t, inventory, [sale.id]);

  const response = call(client, client.reserve, { items: [anOrder(sale)] }, { deadlineMs: 30_000 });
  await until('one waits', async () => (await inventory.waiting()) === 1);
  child.kill('SIGTERM');
  await until('it takes no more calls', () => refuses(address));
  await unlock();

  assert.equal((await response).outcomes[0]?.state, 'RESERVATION_STATE_HELD');
  assert.deepEqual(await exit, [0, null]);
});
