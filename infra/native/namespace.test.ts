// A namespace on the servers that tests share belongs to one test alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Namespace, openNamespace } from './namespace.ts';

/** Two namespaces, closed after the test. */
async function twoNamespaces(t: TestContext): Promise<[Namespace, Namespace]> {
  const both = await Promise.all([openNamespace(), openNamespace()]);
  t.after(() => Promise.all(both.map((one) => one.close())));
  return both;
}

test('a service may use its own database and connect to no other', async (t) => {
  const [mine] = await twoNamespaces(t);
  const client = new pg.Client(mine.databases.orders);
  await client.connect();
  await client.query('CREATE TABLE orders (id int)');
  await client.end();
  const intruder = new URL(mine.databases.orders);
  intruder.pathname = new URL(mine.databases.payment).pathname;
  await assert.rejects(new pg.Client(intruder.href).connect(), /permission denied/);
});

test('what one namespace writes to Redis another does not see', async (t) => {
  const [mine, theirs] = await twoNamespaces(t);
  const [one, other] = [new Redis(mine.redisUrl), new Redis(theirs.redisUrl)];
  await one.set('gate', 'open');
  assert.equal(await other.get('gate'), null);
  one.disconnect();
  other.disconnect();
});

test('a broken broker breaks the connections of its own namespace only', async (t) => {
  const [mine, theirs] = await twoNamespaces(t);
  const [own, foreign] = await Promise.all([amqp.connect(mine.amqpUrl), amqp.connect(theirs.amqpUrl)]);
  own.on('error', () => {});
  const closed = once(own, 'close', { signal: AbortSignal.timeout(5000) });
  await mine.closeRabbitConnections();
  await closed;
  const channel = await foreign.createChannel();
  await foreign.close();
  assert.ok(channel);
});

test('connections made the moment before are closed as well', async (t) => {
  const [mine] = await twoNamespaces(t);
  for (let run = 0; run < 5; run++) {
    const connections = await Promise.all(Array.from({ length: 4 }, () => amqp.connect(mine.amqpUrl)));
    const closed = connections.map((connection) => {
      connection.on('error', () => {});
      return once(connection, 'close', { signal: AbortSignal.timeout(5000) });
    });
    await mine.closeRabbitConnections();
    await Promise.all(closed);
  }
});
