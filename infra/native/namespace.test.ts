// A namespace is one test's own: its databases, its Redis database and its vhost are nobody else's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Namespace, openNamespace } from './namespace.ts';

let mine: Namespace;
let theirs: Namespace;

before(async () => {
  [mine, theirs] = await Promise.all([openNamespace(), openNamespace()]);
});
after(() => Promise.all([mine.close(), theirs.close()]));

test('a service may use its own database and connect to no other', async () => {
  const client = new pg.Client(mine.databases.orders);
  await client.connect();
  await client.query('CREATE TABLE orders (id int)');
  await client.end();
  const intruder = new URL(mine.databases.orders);
  intruder.pathname = new URL(mine.databases.payment).pathname;
  await assert.rejects(new pg.Client(intruder.href).connect(), /permission denied/);
});

test('what one namespace writes to Redis another does not see', async () => {
  const [one, other] = [new Redis(mine.redisUrl), new Redis(theirs.redisUrl)];
  await one.set('gate', 'open');
  assert.equal(await other.get('gate'), null);
  one.disconnect();
  other.disconnect();
});

test('a broken broker breaks the connections of its own namespace only', async () => {
  const [own, foreign] = await Promise.all([amqp.connect(mine.amqpUrl), amqp.connect(theirs.amqpUrl)]);
  own.on('error', () => {});
  const closed = once(own, 'close', { signal: AbortSignal.timeout(5000) });
  await mine.closeRabbitConnections();
  await closed;
  const channel = await foreign.createChannel();
  await foreign.close();
  assert.ok(channel);
});

test('connections made the moment before are closed as well', async () => {
  for (let round = 0; round < 5; round++) {
    const connections = await Promise.all(Array.from({ length: 4 }, () => amqp.connect(mine.amqpUrl)));
    const closed = connections.map((connection) => {
      connection.on('error', () => {});
      return once(connection, 'close', { signal: AbortSignal.timeout(5000) });
    });
    await mine.closeRabbitConnections();
    await Promise.all(closed);
  }
});
