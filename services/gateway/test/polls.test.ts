// Buyers who wait and poll: the cost for the services that fulfil their orders, and an id that never was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIEW_KEYS } from '@flashsale/contracts/keys';
import { v7 } from 'uuid';
import { times } from '../../../infra/testbed/samples.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';

// The sweeper calls orders as well, and must not be counted here.
const shop = await openShop({ gateway: { SENT_DUE_MS: '600000', UNSENT_DUE_MS: '600000' } });
const { buy, request, tokenFor, evidence, wires, proxies } = shop;

/** How many calls of GetOrders reached orders during the work. */
async function callsDuring(work: () => Promise<unknown>): Promise<number> {
  const calls = proxies.orders.listen('getOrders');
  await work();
  proxies.orders.on('getOrders');
  return calls.length;
}

const atOnce = <T>(count: number, work: (i: number) => Promise<T>) => Promise.all(times(count, work));

test('while their orders are in the queue, however often buyers poll, orders is not called', async (t) => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 20 });
  wires.ordersAmqp.block(true);
  t.after(() => wires.ordersAmqp.block(false));
  const placed = await atOnce(5, async (i) => ({ buyer: `waiting ${i}`, ...(await buy(saleId, `waiting ${i}`)) }));
  // The view, without which an id alone has no sale, is written in the background.
  for (const { buyer, orderId = '' } of placed)
    await until('it is found in the gate', async () => 'position' in (await shop.order(orderId, buyer)));
  const calls = await callsDuring(async () => {
    for (const { buyer, orderId = '', location } of placed) {
      const responses = await atOnce(20, (i) => shop.order(i % 2 ? orderId : (location as string), buyer));
      for (const { status, position } of responses) assert.deepEqual([status, typeof position], ['queued', 'number']);
    }
    const gone = AbortSignal.timeout(1_500);
    const streams = placed.map(({ buyer, orderId }) =>
      request(`/v1/orders/${orderId}/events`, { signal: gone }, tokenFor(buyer)).then((response) => response.text()),
    );
    await Promise.allSettled(streams);
  });
  assert.equal(calls, 0);
  wires.ordersAmqp.block(false);
  for (const { buyer, orderId = '' } of placed) await shop.final(orderId, buyer);
});

test('orders that only orders knows share a call, and are then read from their views', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 20 });
  const placed = await atOnce(10, async (i) => ({ buyer: `late ${i}`, ...(await buy(saleId, `late ${i}`)) }));
  for (const { buyer, orderId = '' } of placed) await shop.final(orderId, buyer);
  for (const { orderId } of placed) await evidence.stores.redis.del(`${VIEW_KEYS}${orderId as string}`);
  const poll = () =>
    atOnce(100, async (i) => {
      const { buyer, orderId = '' } = placed[i % 10] as (typeof placed)[number];
      assert.equal((await shop.order(orderId, buyer)).status, 'confirmed');
    });
  const calls = await callsDuring(poll);
  assert.ok(calls > 0 && calls < 40, `${calls} calls for 100 reads`);
  await until('the views are written', async () => (await callsDuring(poll)) === 0);
});

test('an id that never was is queued for 30 s, then 404 where its sale and its epoch name its gate', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  const read = async (ageMs: number, query: string) => {
    const path = `/v1/orders/${v7({ msecs: Date.now() - ageMs })}${query}`;
    const response = await request(path, {}, tokenFor('stranger'));
    const { status } = (await response.json()) as { status: unknown };
    return response.status === 200 ? status : response.status;
  };
  const here = `?sale=${saleId}&epoch=1`;
  assert.equal(await read(0, here), 'queued');
  assert.equal(await read(28_000, here), 'queued');
  assert.equal(await read(31_000, here), 404);
  assert.equal(await read(31_000, `?sale=${saleId.toUpperCase()}&epoch=1`), 404);
  assert.equal(await read(31_000, `?sale=${saleId}&epoch=2`), 'queued', 'a gate that is not there cannot say');
  assert.equal(await read(31_000, ''), 'queued');
  assert.equal(await read(601_000, ''), 404, 'the longest that any sale takes to decide is over');
  assert.equal(await read(-30_000, here), 'queued', 'minted by a gateway whose clock is ahead');
});

test('a click that could not be decided within its sale’s time is 503 before it is admitted, and Retry-After grows with the queue', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 1_000, decideWithinSeconds: 20 });
  await shop.bank.change({ chargesPerSecond: 12 });
  await atOnce(450, (i) => buy(saleId, `early ${i}`));
  let clicks = 0;
  const refused = await until(
    'a click is refused',
    async () => {
      clicks += 1;
      const response = await buy(saleId, `latecomer ${clicks}`);
      return response.httpStatus === 503 && response;
    },
    60_000,
  );
  // More than 16 s of waiting: Retry-After is 0.4 to 0.8 of it.
  assert.ok(Number(refused.retryAfter) >= 6, `${refused.retryAfter} s`);
  assert.deepEqual(await evidence.tracesOf(`latecomer ${clicks}`), {});
});
