// Orders that are reserved first and paid for later, on both paths: bought, paid, cancelled, expired, given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertLocation } from './problem.ts';

const shop = await openShop({ gateway: { DIRECT_DEADLINE_MS: '20000' } });
const { buy, pay, cancel, adminCancel, order, reaches, final, evidence, request, tokenFor, holdCharges } = shop;

const aSale = (mode: 'queued' | 'direct', holdSeconds = 600, stock = 3) =>
  shop.createSale({ mode, stock, checkout: 'hold', holdSeconds });

async function reserve(saleId: string, buyer: string) {
  const { orderId = '' } = await buy(saleId, buyer);
  return reaches(orderId, buyer, 'reserved');
}

async function allUnitsAreBack(saleId: string, buyer: string) {
  await until('the ticket is back', async () => !(await evidence.gate(saleId)).buyers.has(buyer));
  const { rows } = await evidence.stores.inventory.query('SELECT available, held, sold FROM sales WHERE id = $1', [
    saleId,
  ]);
  assert.deepEqual(rows, [{ available: 3, held: 0, sold: 0 }]);
  assert.equal((await evidence.gate(saleId)).tickets, 3);
}

for (const { mode, bought, paid } of [
  { mode: 'queued', bought: [202, 'queued'], paid: [202, 'reserved'] },
  { mode: 'direct', bought: [201, 'reserved'], paid: [201, 'confirmed'] },
] as const) {
  test(`${mode}: a hold is reserved, then paid and confirmed, with one charge however often it is paid for`, async () => {
    const saleId = await aSale(mode);
    const buyer = `${mode} payer`;
    const response = await buy(saleId, buyer);
    assert.deepEqual([response.httpStatus, response.status], bought);
    const orderId = response.orderId as string;
    const { deadline, position } = await reaches(orderId, buyer, 'reserved');
    const leftMs = Date.parse(deadline ?? '') - Date.now();
    assert.ok(leftMs > 500_000 && leftMs <= 600_500, `${leftMs} ms`);
    assert.equal(position, undefined, 'an unpaid hold is not in the queue');
    assert.deepEqual(await evidence.tracesOf(buyer), { [buyer]: ['ticket', 'order reserved', 'unit held'] });

    const payment = await pay(orderId, buyer);
    assert.deepEqual([payment.httpStatus, payment.status], paid);
    assertLocation(payment.location, orderId, saleId);
    assert.equal((await final(orderId, buyer)).status, 'confirmed');
    const again = await pay(orderId, buyer);
    assert.deepEqual([again.httpStatus, again.status], [201, 'confirmed']);
    await evidence.atRest();
    const all = ['ticket', 'order confirmed', 'unit sold', 'charge captured'];
    assert.deepEqual(await evidence.tracesOf(buyer), { [buyer]: all });
  });

  test(`${mode}: a hold that its buyer cancels gives its unit and its ticket back, and stays cancelled`, async () => {
    const saleId = await aSale(mode);
    const buyer = `${mode} canceller`;
    const { orderId } = await reserve(saleId, buyer);
    for (const time of ['first', 'again']) {
      const { httpStatus, status } = await cancel(orderId, buyer);
      assert.deepEqual([httpStatus, status], [200, 'cancelled'], time);
    }
    assert.equal((await pay(orderId, buyer)).type, '/problems/order-ended');
    await allUnitsAreBack(saleId, buyer);
    assert.equal((await order(orderId, buyer)).refund, undefined, 'nothing was paid');
    assert.notEqual((await reserve(saleId, buyer)).orderId, orderId);
  });

  test(`${mode}: a hold that is not paid in time expires, and gives its unit and its ticket back`, async () => {
    const saleId = await aSale(mode, 1);
    const buyer = `${mode} sleeper`;
    const { orderId } = await reserve(saleId, buyer);
    assert.equal((await final(orderId, buyer)).status, 'expired');
    await allUnitsAreBack(saleId, buyer);
    assert.equal((await pay(orderId, buyer)).type, '/problems/order-ended');
    assert.equal((await cancel(orderId, buyer)).type, '/problems/order-ended');
  });

  test(`${mode}: while a payment is under way a hold cannot be cancelled, and a second payment is the same one`, async () => {
    const saleId = await aSale(mode);
    const buyer = `${mode} hesitant`;
    const { orderId } = await reserve(saleId, buyer);
    const release = holdCharges();
    const first = pay(orderId, buyer);
    await until('the payment is requested', () => requested(orderId));
    const refused = await cancel(orderId, buyer);
    assert.deepEqual([refused.httpStatus, refused.type], [409, '/problems/payment-under-way']);
    const second = pay(orderId, buyer);
    if (mode === 'queued') {
      assert.equal((await second).httpStatus, 202);
      assert.equal((await order(orderId, buyer)).position, 1, 'it is in the queue again');
    }
    release();
    assert.deepEqual([(await first).httpStatus, (await second).httpStatus], [paid[0], paid[0]]);
    assert.equal((await final(orderId, buyer)).status, 'confirmed');
    const { charges } = await shop.bank.statement();
    assert.equal(charges.filter(({ key }) => key === orderId).length, 1);
  });

  test(`${mode}: a payment that is declined ends the order, and its unit is sold to others`, async () => {
    const saleId = await aSale(mode);
    const buyer = `${mode} poor`;
    const { orderId } = await reserve(saleId, buyer);
    await shop.bank.change({ declineRate: 1 });
    const payment = await pay(orderId, buyer);
    assert.equal(payment.httpStatus, mode === 'queued' ? 202 : 402);
    const { status, reason } = await final(orderId, buyer);
    await shop.bank.change({ declineRate: 0 });
    assert.deepEqual([status, reason], ['rejected', 'declined']);
    assert.equal((await pay(orderId, buyer)).httpStatus, 402);
    await allUnitsAreBack(saleId, buyer);
  });

  test(`${mode}: an admin cancels a confirmed order: its unit is for sale again, and its money is owed until it is back`, async () => {
    const saleId = await aSale(mode);
    const buyer = `${mode} regretful`;
    const { orderId } = await reserve(saleId, buyer);
    assert.equal((await adminCancel(orderId)).type, '/problems/not-confirmed');
    await pay(orderId, buyer);
    await final(orderId, buyer);
    assert.equal((await cancel(orderId, buyer)).type, '/problems/order-ended');
    const response = await adminCancel(orderId);
    assert.deepEqual([response.httpStatus, response.status], [200, 'cancelled']);
    assert.ok(response.refund === 'owed' || response.refund === 'done', `${response.refund}`);
    assert.equal((await adminCancel(orderId)).httpStatus, 200);
    await until('the money is back', async () => (await order(orderId, buyer)).refund === 'done');
    await allUnitsAreBack(saleId, buyer);
    await evidence.atRest();
    const all = ['order cancelled', 'unit released', 'charge reversed'];
    assert.deepEqual(await evidence.tracesOf(buyer), { [buyer]: all });
  });
}

async function requested(orderId: string): Promise<boolean> {
  const { rows } = await evidence.stores.orders.query('SELECT pay_requested AS paying FROM orders WHERE id = $1', [
    orderId,
  ]);
  return rows[0]?.paying === true;
}

/** The data of all events, once the stream has ended. */
async function courseOf(orderId: string, buyer: string) {
  const text = await (await request(`/v1/orders/${orderId}/events`, {}, tokenFor(buyer))).text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(
    ([, data]) => JSON.parse(data as string) as { status: string; refund?: string },
  );
}

test('a listener is sent that a hold is reserved, and then what became of it', async () => {
  const saleId = await aSale('queued');
  const { orderId } = await reserve(saleId, 'listener');
  const course = courseOf(orderId, 'listener');
  await pay(orderId, 'listener');
  const statuses = (await course).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], ['reserved', 'confirmed']);
});

test('a listener of a cancelled order is sent that money is owed, and the stream ends when it is back', async () => {
  const saleId = await aSale('queued');
  const { orderId } = await reserve(saleId, 'creditor');
  await pay(orderId, 'creditor');
  await final(orderId, 'creditor');
  const refunding = shop.proxies.payment.hold('getCharge', 'there');
  const { refund } = await adminCancel(orderId);
  const course = courseOf(orderId, 'creditor');
  refunding.letGo();
  const last = (await course).at(-1);
  assert.deepEqual([last?.status, last?.refund, refund === 'owed' || refund === 'done'], ['cancelled', 'done', true]);
});

test('another buyer can neither pay for a hold nor cancel it', async () => {
  const saleId = await aSale('direct');
  const { orderId } = await reserve(saleId, 'owner');
  for (const response of [await pay(orderId, 'thief'), await cancel(orderId, 'thief')])
    assert.deepEqual([response.httpStatus, response.type], [404, '/problems/not-found']);
  assert.equal((await order(orderId, 'owner')).status, 'reserved');
  assert.equal((await cancel(orderId, 'owner')).httpStatus, 200);
});

test('in the end everything has come to rest', () => evidence.atRest());
