// The same idempotency key again: the same order and its outcome, at any gateway, for as long as the sale is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import { status } from '@flashsale/rpc/client';
import { RpcError } from '@flashsale/rpc/handlers';
import { v7 } from 'uuid';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertLocation, assertProblem } from './problem.ts';

const shop = await openShop({ gateway: { CONFIRM_TIMEOUT_MS: '2000' } });
const second = await shop.start.gateway();
const { createSale, tokenFor, request, holdCharges, proxies, evidence, wires } = shop;
const gateways = [shop.services.gateway.url, second.url];

function click(saleId: string, buyer: string, key: string | undefined, quantity = 1, base = gateways[0]) {
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) };
  const init = { method: 'POST', headers, body: JSON.stringify({ quantity }) };
  return request(`/v1/sales/${saleId}/orders`, init, tokenFor(buyer), base);
}

/** Known to both gateways as open. */
async function createKnownSale(sale: Parameters<typeof createSale>[0]): Promise<string> {
  const saleId = await createSale(sale);
  const sells = async () => (await shop.buy(saleId, 'probe', undefined, second.url)).httpStatus !== 503;
  await until('the second gateway sells it', sells);
  return saleId;
}

async function outcomeOf(response: Response) {
  const { orderId } = (await response.json()) as { orderId: string };
  const [, saleId = ''] = /sales\/([^/]+)\/orders/.exec(response.url) ?? [];
  assertLocation(response.headers.get('location'), orderId, saleId);
  return [response.status, orderId] as const;
}

test('twenty requests with one key at two gateways are one order, and each gets the same 202', async () => {
  const saleId = await createKnownSale({ mode: 'queued', stock: 5 });
  const clicks = Array.from({ length: 20 }, (_, i) => click(saleId, 'alice', 'first', 1, gateways[i % 2]));
  const outcomes = await Promise.all((await Promise.all(clicks)).map(outcomeOf));
  const orderId = outcomes[0]?.[1] as string;
  for (const outcome of outcomes) assert.deepEqual(outcome, [202, orderId]);
  await shop.final(orderId, 'alice');
  assert.deepEqual(await outcomeOf(await click(saleId, 'alice', 'first')), [202, orderId]);
  assert.equal((await evidence.ordersOf('alice')).length, 1);
});

test('a key with another body is 422 and changes nothing', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5, perBuyerLimit: 3 });
  const [, orderId] = await outcomeOf(await click(saleId, 'bob', 'k', 2));
  await shop.final(orderId, 'bob');
  await evidence.atRest();
  const before = await evidence.fingerprint();
  assert.equal((await assertProblem(await click(saleId, 'bob', 'k', 1), 422, 'key-reused')).orderId, orderId);
  assert.deepEqual(await evidence.fingerprint(), before);
});

test('a key is the buyer’s own, in that sale; another key of the same buyer buys nothing more', async () => {
  const [one, other] = [await createSale({ mode: 'queued', stock: 5 }), await createSale({ mode: 'queued', stock: 5 })];
  const outcomes = [
    await outcomeOf(await click(one, 'carol', 'k')),
    await outcomeOf(await click(one, 'dave', 'k')),
    await outcomeOf(await click(other, 'carol', 'k')),
  ];
  assert.deepEqual(
    outcomes.map(([status]) => status),
    [202, 202, 202],
  );
  assert.equal(new Set(outcomes.map(([, orderId]) => orderId)).size, 3);
  for (const key of ['l', undefined]) {
    const { orderId } = await assertProblem(await click(one, 'carol', key), 409, 'already-bought');
    assert.equal(orderId, outcomes[0]?.[1]);
  }
});

test('a key that is no visible ASCII of at most 255 characters is 400 and nothing happens', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  for (const key of ['', 'a b', 'caf\u00e9', 'x'.repeat(256)]) {
    const { errors } = await assertProblem(await click(saleId, 'erin', key), 400, 'bad-request');
    assert.equal((errors as { field: string }[])[0]?.field, 'Idempotency-Key');
  }
  assert.deepEqual(await evidence.tracesOf('erin'), {});
  assert.equal((await click(saleId, 'erin', 'x'.repeat(255))).status, 202);
});

test('after the last unit, and after the end, a key that bought has its outcome and a new key is refused', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  const [, orderId] = await outcomeOf(await click(saleId, 'frank', 'k'));
  for (const base of gateways)
    await until(
      'it is known to be sold out',
      async () => (await click(saleId, 'x', undefined, 1, base)).status === 410,
    );
  assert.deepEqual(await outcomeOf(await click(saleId, 'frank', 'k')), [202, orderId]);
  await assertProblem(await click(saleId, 'grace', 'k'), 410, 'sold-out');
  const closing = { method: 'PATCH', body: '{"closed":true}', headers: { 'content-type': 'application/json' } };
  await request(`/v1/sales/${saleId}`, closing, tokenFor('admin', { admin: true }));
  assert.deepEqual(await outcomeOf(await click(saleId, 'frank', 'k')), [202, orderId]);
  await assertProblem(await click(saleId, 'grace', 'k'), 403, 'closed');
});

test('a refusal is not remembered: the same key buys once there is something to buy', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  await outcomeOf(await click(saleId, 'heidi', 'k'));
  await assertProblem(await click(saleId, 'ivan', 'k'), 410, 'sold-out');
  const more = { method: 'PATCH', body: '{"stock":2}', headers: { 'content-type': 'application/json' } };
  await request(`/v1/sales/${saleId}`, more, tokenFor('admin', { admin: true }));
  assert.equal((await click(saleId, 'ivan', 'k')).status, 202);
});

test('direct: the same key during the first call waits for its result, and gets it again later', async () => {
  const saleId = await createKnownSale({ mode: 'direct', stock: 5 });
  const release = holdCharges();
  const first = click(saleId, 'judy', 'k');
  await until('it is at work', async () => (await evidence.gate(saleId)).buyers.has('judy'));
  const again = click(saleId, 'judy', 'k', 1, gateways[1]);
  release();
  const [status, orderId] = await outcomeOf(await first);
  assert.equal(status, 201);
  assert.deepEqual(await outcomeOf(await again), [201, orderId]);
  assert.deepEqual(await outcomeOf(await click(saleId, 'judy', 'k')), [201, orderId]);
});

test('direct: the same key after a hold was reserved gets it again, and after it was paid that it is confirmed', async () => {
  const saleId = await createKnownSale({ mode: 'direct', stock: 5, checkout: 'hold', holdSeconds: 600 });
  const first = await click(saleId, 'trent', 'k');
  const again = await click(saleId, 'trent', 'k', 1, gateways[1]);
  const reserved = (await first.json()) as { orderId: string; status: string };
  assert.deepEqual([first.status, reserved.status], [201, 'reserved']);
  assert.deepEqual([again.status, await again.json()], [201, reserved]);
  assert.equal((await shop.pay(reserved.orderId, 'trent')).status, 'confirmed');
  assert.deepEqual(await outcomeOf(await click(saleId, 'trent', 'k')), [201, reserved.orderId]);
  assert.equal((await evidence.ordersOf('trent')).length, 1);
});

test('direct: a declined order stays declined for its key', async () => {
  const saleId = await createSale({ mode: 'direct', stock: 5 });
  await shop.bank.change({ declineRate: 1 });
  const { orderId } = await assertProblem(await click(saleId, 'mallory', 'k'), 402, 'payment-declined');
  await shop.bank.change({ declineRate: 0 });
  await until('its ticket is back', async () => !(await evidence.gate(saleId)).buyers.has('mallory'));
  assert.equal((await assertProblem(await click(saleId, 'mallory', 'k'), 402, 'payment-declined')).orderId, orderId);
  assert.equal((await click(saleId, 'mallory', 'another')).status, 201);
});

test('a response that was lost comes again with the same key, also while there is no room for other orders', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const [, orderId] = await outcomeOf(await click(saleId, 'niaj', 'k'));
  await shop.final(orderId, 'niaj');
  wires.gatewayAmqp.block(true);
  await until('there is no room', async () => (await click(saleId, 'x', undefined)).status === 503);
  assert.deepEqual(await outcomeOf(await click(saleId, 'niaj', 'k')), [202, orderId]);
  wires.gatewayAmqp.block(false);
  await shop.ready(shop.services.gateway.ops);
});

test('with a limit of one as well, a key with another body is 422', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  await outcomeOf(await click(saleId, 'peggy', 'k'));
  await assertProblem(await click(saleId, 'peggy', 'k', 2), 422, 'key-reused');
  await assertProblem(await click(saleId, 'quentin', 'k', 2), 409, 'limit');
});

test('beside a first request that is refused, the second is refused as well: nothing happened to either', async () => {
  const saleId = await createKnownSale({ mode: 'direct', stock: 5 });
  const shed = Promise.withResolvers<void>();
  proxies.orders.on('placeOrder', async () => {
    await shed.promise;
    throw new RpcError(status.RESOURCE_EXHAUSTED, 'shed', { shed: '1' });
  });
  const first = click(saleId, 'rupert', 'k');
  await until('it is at work', async () => (await evidence.gate(saleId)).buyers.has('rupert'));
  const again = click(saleId, 'rupert', 'k', 1, gateways[1]);
  shed.resolve();
  for (const response of [await first, await again]) await assertProblem(response, 503, 'busy');
  proxies.orders.on('placeOrder');
  assert.deepEqual(await evidence.tracesOf('rupert'), {});
  assert.equal((await click(saleId, 'rupert', 'k')).status, 201);
});

test('an order that was lost with its gate before any other service had it is given up, and its key has that outcome', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const key = keyOf(saleId, 'keys');
  const lost = v7();
  await evidence.stores.redis.hset(key, 'sybil\nk', JSON.stringify({ orderId: lost, quantity: 1 }));
  const { orderId, reason } = await assertProblem(await click(saleId, 'sybil', 'k'), 409, 'order-rejected');
  assert.deepEqual([orderId, reason], [lost, 'given_up']);
  assert.equal((await shop.order(lost, 'sybil')).status, 'cancelled');
  assert.equal((await click(saleId, 'sybil', 'another')).status, 202);
});

test('a gate that is opened anew keeps its keys', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const [, orderId] = await outcomeOf(await click(saleId, 'olivia', 'k'));
  await shop.final(orderId, 'olivia');
  await evidence.stores.redis.del(keyOf(saleId, 'gate'));
  await until('there is a gate again', async () => (await evidence.gate(saleId)).epoch === 2);
  const again = await until('it is open', async () => {
    const response = await click(saleId, 'olivia', 'k');
    return response.status !== 503 && response;
  });
  assert.deepEqual(await outcomeOf(again), [202, orderId]);
  await evidence.atRest(60_000);
});
