// `Prefer: wait=N`: the queue used as if it were a call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertLocation, assertProblem } from './problem.ts';

const shop = await openShop();
const second = await shop.start.gateway({ MAX_LISTENERS: '1', CLICKS_PER_BUYER: '3' });
const { createSale, request, tokenFor, holdCharges } = shop;

const click = (saleId: string, buyer: string, prefer: string, base?: string) =>
  request(`/v1/sales/${saleId}/orders`, { method: 'POST', headers: { prefer } }, tokenFor(buyer), base);

/** Known to the second gateway as open. */
async function createKnownSale(sale: Parameters<typeof createSale>[0]): Promise<string> {
  const saleId = await createSale(sale);
  const sells = async () => (await shop.buy(saleId, 'first', undefined, second.url)).httpStatus !== 503;
  await until('the second gateway sells it', sells);
  return saleId;
}

const applied = (response: Response) => response.headers.get('preference-applied');
const statusOf = async (response: Response) => ((await response.json()) as { status: unknown }).status;

test('the response is held until the order is confirmed: 201 at any gateway, like the direct path’s', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  for (const [buyer, base] of [['alice'], ['bob', second.url]] as const) {
    const response = await click(saleId, buyer, 'wait=20', base);
    assert.equal(response.status, 201);
    assert.equal(applied(response), 'wait=20');
    const { orderId, status, amount } = (await response.json()) as Record<string, unknown>;
    assertLocation(response.headers.get('location'), orderId, saleId);
    assert.deepEqual([status, amount], ['confirmed', { amountMinor: 1_000, currency: 'EUR' }]);
  }
});

test('an order that is declined within the wait is 402', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  await shop.bank.change({ declineRate: 1 });
  const response = await click(saleId, 'carol', 'wait=20');
  await shop.bank.change({ declineRate: 0 });
  assert.equal(applied(response), 'wait=20');
  await assertProblem(response, 402, 'payment-declined');
});

test('of a hold the response comes when it is reserved: 201 with the time to pay, and nothing is charged', async () => {
  const saleId = await createKnownSale({ mode: 'queued', stock: 5, checkout: 'hold', holdSeconds: 600 });
  const response = await click(saleId, 'nina', 'wait=20', second.url);
  assert.deepEqual([response.status, applied(response)], [201, 'wait=20']);
  const { orderId, status, deadline, amount } = (await response.json()) as Record<string, unknown>;
  assertLocation(response.headers.get('location'), orderId, saleId);
  assert.deepEqual([status, amount], ['reserved', { amountMinor: 1_000, currency: 'EUR' }]);
  const remainingMs = Date.parse(deadline as string) - Date.now();
  assert.ok(remainingMs > 500_000 && remainingMs < 601_000, `${remainingMs} ms`);
  assert.equal((await shop.cancel(orderId as string, 'nina')).status, 'cancelled');
});

test('an order that is not final in time is 202, as without the preference, and goes on', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const response = await click(saleId, 'dave', 'respond-async, wait=1');
  assert.deepEqual([response.status, applied(response)], [202, 'wait=1']);
  const { orderId } = (await response.json()) as { orderId: string };
  release();
  assert.equal((await shop.final(orderId, 'dave')).status, 'confirmed');
});

test('a wait that is no number, of nothing, or of a direct order is not applied; a long one is cut', async () => {
  const queued = await createSale({ mode: 'queued', stock: 99 });
  const direct = await createSale({ mode: 'direct', stock: 9 });
  for (const [i, prefer] of [
    'wait',
    'wait=',
    'wait=x',
    'wait=-1',
    'wait=1.5',
    'wait=0',
    'return=minimal',
    'foo="a, wait=5"',
    'respond-async;wait=5',
  ].entries()) {
    const response = await click(queued, `erin ${i}`, prefer);
    assert.deepEqual([response.status, applied(response), await statusOf(response)], [202, null, 'queued'], prefer);
  }
  const called = await click(direct, 'frank', 'wait=5');
  assert.deepEqual([called.status, applied(called)], [201, null]);
  for (const [i, prefer] of ['wait=3600', 'wait=9999999999', 'WAIT="31"', 'x, wait = 40;y'].entries()) {
    const long = await click(queued, `grace ${i}`, prefer);
    assert.deepEqual([long.status, applied(long)], [201, 'wait=30'], prefer);
  }
});

test('beyond the room for listeners the preference is not applied, and the order is taken all the same', async () => {
  const saleId = await createKnownSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const waiting = click(saleId, 'heidi', 'wait=20', second.url);
  await until('it is queued', async () => (await shop.evidence.ordersOf('heidi')).length > 0);
  const response = await click(saleId, 'ivan', 'wait=20', second.url);
  assert.deepEqual([response.status, applied(response)], [202, null]);
  release();
  assert.equal((await waiting).status, 201);
});

test('a buyer who clicks like a machine is 429, and nothing happened; another one is not', async () => {
  const saleId = await createKnownSale({ mode: 'queued', stock: 5 });
  const clicks = await Promise.all(Array.from({ length: 12 }, () => click(saleId, 'judy', '', second.url)));
  const refused = clicks.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 3, `${refused.length} refused of 12 within at most three seconds`);
  for (const response of refused) {
    assert.match(response.headers.get('retry-after') ?? '', /^[12]$/);
    await assertProblem(response, 429, 'rate-limited');
  }
  assert.equal((await click(saleId, 'kim', '', second.url)).status, 202);
});

test('a gateway that stops responds to requests that wait', async () => {
  const third = await shop.start.gateway();
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  // It learns the epoch of a sale that another gateway opened with its next refresh.
  await until('it sells too', async () => (await shop.buy(saleId, 'probe', 1, third.url)).httpStatus === 202);
  const release = holdCharges();
  const waiting = click(saleId, 'leo', 'wait=20', third.url);
  await until('it is queued', async () => (await shop.evidence.ordersOf('leo')).length > 0);
  await third.stop();
  const response = await waiting;
  assert.equal(response.status, 202);
  const { orderId } = (await response.json()) as { orderId: string };
  release();
  assert.equal((await shop.final(orderId, 'leo')).status, 'confirmed');
  await shop.evidence.atRest();
});
