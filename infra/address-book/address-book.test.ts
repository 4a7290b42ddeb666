// The table of addresses that `npm run up` and the demo print.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCAL } from '../native/leftovers.ts';
import { type AddressBook, describeAddresses, SERVICES, type ServiceName } from './address-book.ts';

test('every address is told within 80 columns, and no password is', () => {
  const database = 'postgres://orders:secret@127.0.0.1:32767/orders';
  const names = [...SERVICES, 'postgres', 'redis', 'rabbitmq'] as const;
  const addressed = <T>(at: T) => Object.fromEntries(names.map((name) => [name, at])) as Record<ServiceName, T>;
  const stack: AddressBook = {
    dir: `${LOCAL}/demo-4194304`,
    gatewayUrl: 'http://127.0.0.1:32767',
    bankUrl: 'http://127.0.0.1:32767',
    bankApiKey: 'secret',
    tokenSecret: 'secret',
    redisUrl: 'redis://:secret@127.0.0.1:32767',
    amqpUrl: 'amqp://flashsale:secret@127.0.0.1:32767',
    rabbitManagementUrl: 'http://flashsale:secret@127.0.0.1:32767',
    databases: { orders: database, inventory: database, payment: database },
    addresses: { orders: '127.0.0.1:32767', inventory: '127.0.0.1:32767', payment: '127.0.0.1:32767' },
    ops: addressed('http://127.0.0.1:32767'),
    pids: addressed(4194304),
    ownerPid: 1,
  };
  const lines = describeAddresses(stack);
  assert.equal(lines.filter((line) => line.includes('127.0.0.1:32767')).length, 8);
  for (const line of lines) assert.ok(line.length <= 80 && !line.includes('secret'), line);
});
