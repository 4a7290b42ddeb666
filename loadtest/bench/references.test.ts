// The references do the same work: the same bytes, the same gate, the same queue.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { ORDERS } from '@flashsale/contracts/topology';
import amqp, { type GetMessage } from 'amqplib';
import { Redis } from 'ioredis';
import { readGate } from '../../infra/audit/gate.ts';
import { createTokens } from '../../infra/buyers/buyers.ts';
import { claim, LOCAL, removeDir } from '../../infra/native/leftovers.ts';
import { openNamespace } from '../../infra/native/namespace.ts';
import { openShop } from '../../infra/testbed/shop.ts';
import { until } from '../../infra/until.ts';
import { startReference } from './references.ts';

const SECRET = 'a-secret-for-tests-only-0123456789-0123456789';
const SALE = '019ad000-0000-7000-8000-000000000001';
const dir = join(LOCAL, `references-${process.pid}`);
await claim(dir);
after(() => removeDir(dir));

/** The answer as it comes, but for the date; the connection stays open, as a client's of many requests does. */
function rawAnswer(url: string): Promise<string> {
  const { port, pathname } = new URL(url);
  const request = `POST ${pathname} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(request));
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      text += chunk;
      if (!text.endsWith('}')) return;
      socket.destroy();
      resolve(text.replace(/^Date: .*$/m, 'Date:'));
    });
  });
}

test('reference (a) answers byte for byte what the gateway answers when a sale is sold out', async (t) => {
  const shop = await openShop();
  t.after(() => shop.close());
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  assert.equal((await shop.buy(saleId, 'first')).httpStatus, 202);
  const url = `${shop.services.gateway.url}/v1/sales/${saleId}/orders`;
  const ours = await until('the sale is sold out', async () => {
    const answer = await rawAnswer(url);
    return answer.startsWith('HTTP/1.1 410 ') && answer;
  });
  const reference = await startReference({ dir, name: 'refusal' });
  t.after(reference.stop);
  assert.equal(await rawAnswer(reference.url), ours);
});

async function openAccept(t: TestContext) {
  const namespace = await openNamespace();
  t.after(namespace.close);
  const env = { REDIS_URL: namespace.redisUrl, AMQP_URL: namespace.amqpUrl, TOKEN_SECRET: SECRET, SALE_IDS: SALE };
  const reference = await startReference({ dir, name: 'accept', env });
  t.after(reference.stop);
  const click = (buyer: string, tokenFor = createTokens(SECRET)) =>
    fetch(`${reference.url}/v1/sales/${SALE}/orders`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokenFor(buyer)}`, 'content-type': 'application/json' },
      body: '{}',
    });
  return { namespace, click };
}

test('reference (b) says yes to a buyer once, and the order is in the gate and in the queue', async (t) => {
  const { namespace, click } = await openAccept(t);
  const yes = await click('alice');
  assert.equal(yes.status, 202);
  const { orderId, status } = (await yes.json()) as { orderId: string; status: string };
  assert.equal(status, 'queued');
  assert.equal(yes.headers.get('location'), `/v1/orders/${orderId}`);
  assert.equal((await click('alice')).status, 409);

  const redis = new Redis(namespace.redisUrl);
  t.after(() => redis.disconnect());
  const gate = await readGate(redis, SALE);
  assert.equal(gate.buyers.get('alice'), orderId);
  assert.equal(gate.records.get(orderId)?.state, 'unsent');
  const [message, ...others] = await takeAll(namespace.amqpUrl);
  assert.deepEqual(others, []);
  const { decideByMs, ...command } = JSON.parse(message?.content.toString() ?? '');
  assert.deepEqual(command, { orderId, saleId: SALE, buyerId: 'alice', quantity: 1, epoch: 1 });
  assert.ok(decideByMs > Date.now());
  assert.equal(message?.properties.deliveryMode, 2);
});

test('reference (b) lets nobody in with a forged token', async (t) => {
  const { namespace, click } = await openAccept(t);
  assert.notEqual((await click('mallory', createTokens(SECRET.toUpperCase()))).status, 202);
  assert.deepEqual(await takeAll(namespace.amqpUrl), []);
});

/** What waits in the queue of orders; nobody has to be waited for, since every yes was confirmed. */
async function takeAll(amqpUrl: string): Promise<GetMessage[]> {
  const connection = await amqp.connect(amqpUrl);
  const channel = await connection.createChannel();
  const taken: GetMessage[] = [];
  for (let next = await channel.get(ORDERS.queue); next; next = await channel.get(ORDERS.queue)) taken.push(next);
  await connection.close();
  return taken;
}
