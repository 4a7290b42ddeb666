// The table of addresses that `npm run up` and the demo print.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCAL } from '../native/leftovers.ts';
import { type AddressBook, type AtLeastOne, describeAddresses, type Replica, SERVICES } from './address-book.ts';

const NAMES = { bank: ['bank'], inventory: ['inventory'], payment: ['payment'] };
const TWO_EACH = { ...NAMES, orders: ['orders', 'orders-2'], gateway: ['gateway', 'gateway-2'] };
const ADDRESS = '127.0.0.1:32767';

/** As long as anything in it can be. */
function stackOf(names: typeof TWO_EACH): AddressBook {
  const byService = <T>(make: (names: string[]) => T) => {
    const made = SERVICES.map((service) => [service, make(names[service])]);
    return Object.fromEntries(made) as Record<(typeof SERVICES)[number], T>;
  };
  const database = `postgres://orders:secret@${ADDRESS}/orders`;
  const processes = [...Object.values(names).flat(), 'postgres', 'redis', 'rabbitmq'];
  const replica = (name: string): Replica => ({ name, address: `http://${ADDRESS}`, ops: `http://${ADDRESS}` });
  return {
    dir: `${LOCAL}/demo-4194304`,
    gatewayUrl: `http://${ADDRESS}`,
    bankUrl: `http://${ADDRESS}`,
    bankApiKey: 'secret',
    tokenSecrets: { buyer: 'secret', admin: 'secret' },
    redisUrl: `redis://:secret@${ADDRESS}`,
    amqpUrl: `amqp://flashsale:secret@${ADDRESS}`,
    rabbitManagementUrl: `http://flashsale:secret@${ADDRESS}`,
    databases: { orders: database, inventory: database, payment: database },
    addresses: { orders: ADDRESS, inventory: ADDRESS, payment: ADDRESS },
    ops: byService(() => `http://${ADDRESS}`),
    replicas: byService((some) => some.map(replica) as AtLeastOne<Replica>),
    pids: Object.fromEntries(processes.map((name) => [name, 4194304])),
    ownerPid: 1,
  };
}

const namesIn = (lines: string[]) =>
  lines.filter((line) => line.includes('pid 4194304')).map((line) => line.trim().split(' ')[0]);

test('every address is listed within 80 columns, and no password is', () => {
  const lines = describeAddresses(stackOf(TWO_EACH));
  const servers = ['postgres', 'redis', 'rabbitmq'];
  const services = ['gateway', 'gateway-2', 'orders', 'orders-2', 'payment', 'inventory', 'bank'];
  assert.deepEqual(namesIn(lines), [...services, ...servers]);
  for (const line of lines) assert.ok(line.length <= 80 && !line.includes('secret'), line);
});
