// Many clicks at once: of one buyer, and of more buyers than units; at two gateways, on both paths.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../../../infra/testbed/samples.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';

const shop = await openShop({ gateway: { DIRECT_MAX_IN_FLIGHT: '200', DIRECT_DEADLINE_MS: '30000' } });
const second = await shop.start.gateway();
const { evidence, buy, createSale, services } = shop;
const gateways = [services.gateway.url, second.url];
const PATHS = [
  { mode: 'queued', yes: 202 },
  { mode: 'direct', yes: 201 },
] as const;

const atOnce = (saleId: string, count: number, buyerOf: (i: number) => string, quantity?: number) =>
  Promise.all(times(count, (i) => buy(saleId, buyerOf(i), quantity, gateways[i % 2])));
function countOf(responses: { httpStatus: number }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { httpStatus } of responses) counts[httpStatus] = (counts[httpStatus] ?? 0) + 1;
  return counts;
}

/** With that many units left, and known to both gateways as open. */
async function openSale(mode: 'queued' | 'direct', stock: number, perBuyerLimit = 1): Promise<string> {
  const saleId = await createSale({ mode, stock: stock + 1, perBuyerLimit });
  await shop.final((await buy(saleId, 'first')).orderId as string, 'first');
  for (const url of gateways)
    await until('the gateway sells it', async () => (await buy(saleId, 'first', undefined, url)).httpStatus === 409);
  return saleId;
}

for (const { mode, yes } of PATHS) {
  test(`${mode}: 100 clicks of one buyer at once are one order, one unit, one charge, and name one id`, async () => {
    const saleId = await openSale(mode, 10, 3);
    const buyer = `clicker-${mode}`;
    const responses = await atOnce(saleId, 100, () => buyer, 2);
    assert.deepEqual(countOf(responses), { [yes]: 1, 409: 99 });
    const ids = new Set(responses.map(({ orderId }) => orderId));
    assert.equal(ids.size, 1);
    assert.equal(new Set(responses.map(({ location }) => location)).size, 1);

    await evidence.atRest();
    assert.deepEqual(await evidence.tracesOf(buyer), {
      [buyer]: ['ticket', 'order confirmed', 'unit sold', 'charge captured'],
    });
    const { tickets, records } = await evidence.gate(saleId);
    assert.deepEqual([tickets, records.size], [8, 2]);
    const { charges } = await shop.bank.statement();
    assert.equal(charges.filter(({ key }) => ids.has(key)).length, 1);

    const again = await buy(saleId, buyer);
    assert.deepEqual([again.httpStatus, again.orderId], [409, responses[0]?.orderId]);
  });

  test(`${mode}: many buyers get exactly the stock, the others 410, and no order is lost`, async () => {
    const [saleId, stock, buyerCount] = [await openSale(mode, 25), 25, 90];
    const responses = await atOnce(saleId, buyerCount, (i) => `${mode}-${i}`);
    assert.deepEqual(countOf(responses), { [yes]: stock, 410: buyerCount - stock });
    const sold = responses.map(({ httpStatus }, i) => ({ httpStatus, buyer: `${mode}-${i}` }));
    const buyers = (status: number) => sold.filter(({ httpStatus }) => httpStatus === status).map(({ buyer }) => buyer);

    await evidence.atRest();
    assert.deepEqual(await evidence.tracesOf(...buyers(410)), {});
    const orders = await evidence.ordersOf(...buyers(yes));
    assert.deepEqual(
      orders.map(({ status }) => status),
      Array(stock).fill('confirmed'),
    );
    assert.equal((await evidence.gate(saleId)).tickets, 0);
    assert.equal((await buy(saleId, 'latecomer')).httpStatus, 410);
  });

  test(`${mode}: declined buyers lose nothing but the wish: their units are sold to others in the end`, async () => {
    const saleId = await openSale(mode, 6);
    await shop.bank.change({ declineRate: 1 });
    const declined = await Promise.all(
      ['a', 'b', 'c'].map((name) => buy(saleId, `${mode}-poor-${name}`, undefined, gateways[0])),
    );
    for (const [i, response] of declined.entries()) {
      if (mode === 'direct') assert.deepEqual([response.httpStatus, response.reason], [402, 'declined']);
      const order = await shop.final(response.orderId as string, `${mode}-poor-${'abc'[i]}`);
      assert.deepEqual([order.status, order.reason], ['rejected', 'declined']);
    }
    await shop.bank.change({ declineRate: 0 });
    await evidence.atRest();
    const responses = await atOnce(saleId, 6, (i) => (i < 3 ? `${mode}-poor-${'abc'[i]}` : `${mode}-rich-${i}`));
    assert.deepEqual(countOf(responses), { [yes]: 6 });
    await evidence.atRest();
    assert.equal((await evidence.gate(saleId)).tickets, 0);
  });
}
