import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressBook } from '../address-book/address-book.ts';
import { describeAddresses, describeEvent } from './describe.ts';
import { LOCAL } from './leftovers.ts';
import { forEachService } from './wiring.ts';

test('what happens to a process is told once, in words; its mere start is not', () => {
  const about = { service: 'orders', pid: 7 };
  assert.equal(describeEvent({ ...about, event: 'started' }), undefined);
  assert.equal(describeEvent({ ...about, event: 'ready', inMs: 1_540 }), 'orders is ready (1.5 s, pid 7)');
  assert.equal(describeEvent({ ...about, event: 'exited', code: null, signal: 'SIGKILL' }), 'orders ended by SIGKILL');
  assert.equal(describeEvent({ ...about, event: 'exited', code: 1, signal: null }), 'orders ended with code 1');
  assert.equal(describeEvent({ ...about, event: 'restarting', inMs: 100 }), 'orders is started again in 100 ms');
});

test('every address is told within 80 columns, and no password is', () => {
  const database = 'postgres://orders:secret@127.0.0.1:32767/orders';
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
    ops: forEachService(() => 'http://127.0.0.1:32767'),
    pids: Object.fromEntries(
      ['gateway', 'orders', 'inventory', 'payment', 'bank', 'postgres', 'redis', 'rabbitmq'].map((name) => [
        name,
        4194304,
      ]),
    ),
    ownerPid: 1,
  };
  const lines = describeAddresses(stack);
  assert.equal(lines.filter((line) => line.includes('127.0.0.1:32767')).length, 8);
  for (const line of lines) assert.ok(line.length <= 80 && !line.includes('secret'), line);
});
