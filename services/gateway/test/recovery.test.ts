// Redis and the broker go and come back: not ready meanwhile, and ready, selling and applying results again within ten seconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { openEnding } from '../../../infra/testbed/ending.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { spawnGateway } from './spawned.ts';

const BOUND_MS = 10_000;
// The sweeper never calls orders: a record becomes sold only by its event.
const NEVER_ASKS = { SENT_DUE_MS: '3600000', UNSENT_DUE_MS: '3600000', DIRECT_DEADLINE_MS: '60000' };
const shop = await openShop({ gateway: NEVER_ASKS });
// The only consumer of results is the process under test.
shop.wires.gatewayAmqp.block(true);
const { evidence, buy, broker, namespace } = shop;
const saleId = await shop.createSale({ mode: 'direct', stock: 50 });

// `after` itself would end with the test in which it is called.
const { defer } = openEnding();
const start = () => spawnGateway({ after: defer }, shop, NEVER_ASKS);
let gateway = await start();
await gateway.ready();

/** An order is placed, and its result is applied: both halves of the way work. */
async function sellsAndApplies(buyer: string): Promise<void> {
  await until(
    'it sells',
    async () => [201, 409].includes((await buy(saleId, buyer, undefined, gateway.url)).httpStatus),
    BOUND_MS,
  );
  await until(
    'its result is applied',
    async () =>
      [...(await evidence.gate(saleId)).records.values()].some((it) => it.buyerId === buyer && it.state === 'sold'),
    BOUND_MS,
  );
}

test('while Redis is away it is not ready; within ten seconds of its return it is, and sells', async () => {
  gateway.wires.redis.block(true);
  await until('it says so', async () => (await gateway.readyz()) === 'not ready: no redis\n');
  assert.equal((await buy(saleId, 'turned away', undefined, gateway.url)).httpStatus, 503);
  gateway.wires.redis.block(false);
  await gateway.ready(BOUND_MS);
  await sellsAndApplies('after Redis');
});

test('while the broker is away it is not ready; within ten seconds of its return it is, and applies results', async () => {
  gateway.wires.amqp.block(true);
  await until('it says so', async () => (await gateway.readyz()) === 'not ready: cannot publish, not consuming\n');
  gateway.wires.amqp.block(false);
  await gateway.ready(BOUND_MS);
  await sellsAndApplies('after the broker');
});

// AMQP method frame on channel 1: channel.close, 541 INTERNAL_ERROR, no text, for no method.
const CHANNEL_CLOSE = Buffer.from('010001' + '0000000b' + '00140028' + '021d' + '00' + '00000000' + 'ce', 'hex');

const LOSSES: Record<string, () => unknown> = {
  'the server cancels the consumer': () => broker.deleteQueue(RESULTS_QUEUE),
  'the server closes the channel': () => gateway.wires.amqp.pretend(CHANNEL_CLOSE),
  'an operator closes the connections': () => namespace.closeRabbitConnections(),
  'the connections are reset': () => gateway.wires.amqp.cut(),
};

test('resets while it connects are survived', async () => {
  let resets = 3;
  gateway.wires.amqp.onRequest(() => {
    if (resets-- > 0) setImmediate(() => gateway.wires.amqp.cut());
  });
  gateway.wires.amqp.cut();
  await until('they are over', () => resets < 0);
  await gateway.ready();
  await sellsAndApplies('after the resets');
  // Another process, whose waits are short again.
  gateway.child.kill('SIGKILL');
  gateway = await start();
  await gateway.ready();
});

for (const [loss, happen] of Object.entries(LOSSES)) {
  test(`${loss}: applying results again within ten seconds`, async () => {
    const says = gateway.next();
    await happen();
    await says('connection to the broker lost');
    await says('connected to the broker');
    await gateway.ready(BOUND_MS);
    await sellsAndApplies(loss);
  });
}
