// The queued path while Redis and the broker fail: 202 is a promise, 503: nothing happened, 504: poll the Location.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDERS_PLACED } from '@flashsale/contracts/topology';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { clicksAt } from './checked-clicks.ts';

const LONG_DUE = { UNSENT_DUE_MS: '10000' };
const shop = await openShop({ gateway: LONG_DUE });
const second = await shop.start.gateway({ ...LONG_DUE, CONFIRM_TIMEOUT_MS: '500' });
const { wires, broker, evidence } = shop;
const saleId = await shop.createSale({ mode: 'queued', stock: 200 });
const { click, burst, ready, unready, letIn, check, responses } = clicksAt(shop, saleId);
const shorter = clicksAt(shop, saleId, second, responses);
await Promise.all([letIn(), shorter.letIn()]);

// AMQP method frames on channel 0: connection.blocked with an empty reason, connection.unblocked.
const BLOCKED = Buffer.from('01000000000005000a003c00ce', 'hex');
const UNBLOCKED = Buffer.from('01000000000004000a003dce', 'hex');

const isKnown = async (buyer: string) => (await evidence.ordersOf(buyer)).length > 0;

test('no 202 before the broker has confirmed, and 504 when the confirm does not come in time', async () => {
  wires.gatewayAmqp.holdResponses(true);
  let responded = false;
  const late = click('confirmed late').finally(() => {
    responded = true;
  });
  const never = shorter.click('unconfirmed');
  await until('orders has it, so the broker had it long before', () => isKnown('confirmed late'));
  assert.equal((await never).httpStatus, 504);
  assert.equal(responded, false);
  wires.gatewayAmqp.holdResponses(false);
  assert.equal((await late).httpStatus, 202);
});

test('an order whose connection breaks before the confirm is unknown, not refused, and is fulfilled', async () => {
  wires.gatewayAmqp.holdResponses(true);
  const response = click('cut off');
  await until('orders has it', () => isKnown('cut off'));
  wires.gatewayAmqp.cut();
  wires.gatewayAmqp.holdResponses(false);
  const { httpStatus, orderId } = await response;
  assert.equal(httpStatus, 504);
  assert.equal((await shop.final(orderId as string, 'cut off')).status, 'confirmed');
  await ready();
  await letIn();
});

test('an admit whose reply is lost is sent once: 504, and its ticket is accounted for', async () => {
  wires.redis.loseResponses(true);
  const response = click('no reply');
  await until('the gate has it', async () => (await evidence.gate(saleId)).buyers.has('no reply'));
  await until('its reply is lost', wires.redis.hasLost);
  wires.redis.loseResponses(false);
  // Neither sent again to get "admitted", nor taken for a no.
  assert.equal((await response).httpStatus, 504);
  await ready();
  await letIn();
});

test('an admit that is lost on its way is unknown too, since the two seem alike', async () => {
  const sent = new Set<string>();
  wires.redis.onRequest((bytes) => {
    for (const [buyer] of bytes.toString().matchAll(/lost on its way \d/g)) sent.add(buyer);
  });
  wires.redis.loseRequests(true);
  const responses = burst('lost on its way');
  await until('all of them are on their way', () => sent.size === 6);
  wires.redis.loseRequests(false);
  wires.redis.onRequest();
  assert.deepEqual(await responses, [504]);
  await ready();
  await letIn();
});

test('a broker that blocks publishers is seen before admit: 503, and 202 as soon as it lets go', async () => {
  wires.gatewayAmqp.pretend(BLOCKED);
  await unready();
  assert.deepEqual(await burst('blocked'), [503]);
  assert.equal((await evidence.gate(saleId)).buyers.has('blocked 0'), false);
  wires.gatewayAmqp.pretend(UNBLOCKED);
  await ready();
  assert.deepEqual(await burst('unblocked'), [202]);
});

test('an order that no queue takes is given back at once: 503, and nothing is missing', async () => {
  await broker.unbind(ORDERS_PLACED.exchange, ORDERS_PLACED.queue);
  const { tickets } = await evidence.gate(saleId);
  assert.deepEqual(await burst('returned'), [503]);
  await until('the tickets are back', async () => (await evidence.gate(saleId)).tickets >= tickets);
  assert.deepEqual(await evidence.tracesOf('returned 0', 'returned 5'), {});
  await broker.bind(ORDERS_PLACED.exchange, ORDERS_PLACED.queue);
  assert.deepEqual(await burst('bound again'), [202]);
});

test('a full queue is refused: what was nacked is unknown, what comes after is turned away before admit', async () => {
  wires.ordersAmqp.block(true);
  await broker.limit(ORDERS_PLACED.queue, 1);
  const seen = await until('the broker refuses', async () => {
    const statuses = await burst(`full ${Date.now()}`);
    return statuses.includes(504) && statuses;
  });
  assert.ok(seen.every((status) => [202, 503, 504].includes(status)));
  await broker.unlimit();
  wires.ordersAmqp.block(false);
  await ready();
  await letIn();
});

const { redis, gatewayAmqp } = wires;
const FAULTS: { name: string; begin: (yes: boolean) => void; noticed: boolean; seen: number[] }[] = [
  { name: 'Redis silent', begin: redis.loseResponses, noticed: false, seen: [504] },
  { name: 'confirms lost', begin: gatewayAmqp.loseResponses, noticed: false, seen: [504] },
  { name: 'broker away', begin: gatewayAmqp.block, noticed: true, seen: [503] },
  { name: 'Redis away', begin: redis.block, noticed: true, seen: [503] },
];

for (const { name, begin, noticed, seen } of FAULTS) {
  test(`${name}: ${seen}, then 503 before admit, and 202 again when it is over`, async () => {
    await shorter.letIn();
    begin(true);
    if (noticed) await shorter.unready();
    assert.deepEqual(await shorter.burst(name), seen);
    // Known to be silent by then: at most one buyer is the probe, and the others are refused before admit.
    assert.ok((await shorter.burst(`spared by ${name}`)).includes(503));
    begin(false);
    await Promise.all([ready(), shorter.ready()]);
    await Promise.all([letIn(), shorter.letIn()]);
  });
}

test('connections that break among a burst: each response is one of three, and true', async () => {
  for (const wire of [wires.gatewayAmqp, wires.redis, wires.gatewayAmqp]) {
    const clicks = burst(`among ${Date.now()}`);
    wire.cut();
    await clicks;
    await ready();
  }
});

test('in the end every 503 left nothing anywhere, every 504 can be read, every 202 is final', check);
