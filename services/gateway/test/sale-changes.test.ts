// Closing, topping up and moving a sale: inventory first, then its gate, at every gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { v7 } from 'uuid';
import { times } from '../../../infra/testbed/samples.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertProblem } from './problem.ts';

const shop = await openShop();
const second = await shop.start.gateway();
const { createSale, tokenFor, request, buy, evidence, proxies, holdCharges } = shop;
const admin = tokenFor('admin', { admin: true });

const patch = (saleId: string, body: unknown, token: string | undefined = admin, type = 'application/json') =>
  request(
    `/v1/sales/${saleId}`,
    { method: 'PATCH', body: JSON.stringify(body), headers: { 'content-type': type } },
    token,
  );

/** A sale that is known to be sold out is refused before the token is checked. */
const untilFlagged = (saleId: string, url?: string) =>
  until('it is known to be sold out', async () => {
    const response = await request(`/v1/sales/${saleId}/orders`, { method: 'POST' }, undefined, url);
    return response.status === 410;
  });

async function changed(saleId: string, body: object) {
  const response = await patch(saleId, body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text) as { stock: number; remaining: number; closed: boolean; revision: number; opensAt: string };
}

test('a sold-out sale that gets more units sells them, at every gateway', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  await buy(saleId, 'first');
  for (const url of [undefined, second.url]) await untilFlagged(saleId, url);
  const sale = await changed(saleId, { stock: 3 });
  assert.deepEqual([sale.stock, sale.remaining, sale.revision], [3, 2, 2]);
  for (const [name, url] of [['a'], ['b', second.url]] as const)
    await until('it sells again', async () => (await buy(saleId, name, undefined, url)).httpStatus === 202, 5_000);
  assert.equal((await buy(saleId, 'one too many')).httpStatus, 410);
  await evidence.atRest();
});

test('units that come back open a sold-out sale again at every gateway', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 1 });
  const release = holdCharges();
  await shop.bank.change({ declineRate: 1 });
  const { orderId } = await buy(saleId, 'declined');
  for (const url of [undefined, second.url]) await untilFlagged(saleId, url);
  release();
  assert.equal((await shop.final(orderId as string, 'declined')).status, 'rejected');
  await shop.bank.change({ declineRate: 0 });
  await until('it sells', async () => (await buy(saleId, 'lucky', undefined, second.url)).httpStatus === 202, 5_000);
  await evidence.atRest();
});

test('a closed sale sells nothing more, honours what was accepted, and can be opened again', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const { orderId } = await buy(saleId, 'in time');
  assert.equal((await changed(saleId, { closed: true })).closed, true);
  assert.equal((await buy(saleId, 'late')).httpStatus, 403);
  await until('everywhere', async () => (await buy(saleId, 'late', undefined, second.url)).httpStatus === 403);
  assert.equal((await shop.final(orderId as string, 'in time')).status, 'confirmed');
  await changed(saleId, { closed: false });
  assert.equal((await buy(saleId, 'late')).httpStatus, 202);
});

test('a window that moves takes effect at once', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const opensAt = new Date(Date.now() + 60_000).toISOString();
  assert.equal((await changed(saleId, { opensAt })).opensAt, opensAt);
  assert.equal((await buy(saleId, 'early')).httpStatus, 403);
});

test('the same change again changes nothing, and a change for an older revision is refused with the newer one', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  assert.equal((await changed(saleId, { stock: 7, revision: 1 })).revision, 2);
  assert.equal((await changed(saleId, { stock: 7, revision: 1 })).revision, 2);
  const { revision } = await assertProblem(await patch(saleId, { stock: 9, revision: 1 }), 409, 'changed-meanwhile');
  assert.equal(revision, 2);
  assert.equal((await changed(saleId, { stock: 9, revision: 2 })).stock, 9);
});

test('changes made at once by many all get in, none twice', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const patched = await Promise.all(times(6, (i) => patch(saleId, i % 2 ? { closed: i % 4 === 1 } : { stock: 6 + i })));
  // A stock that another request has outgrown meanwhile is refused.
  for (const { status } of patched) assert.ok([200, 400].includes(status), `${status}`);
  await until('the gate has what inventory has', async () => (await evidence.gate(saleId)).stock === 10);
  await evidence.atRest();
});

test('a response of inventory that is lost is 504, and the same request again finds it done', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  proxies.gatewayInventory.lose('updateSale', { howMany: 1, where: 'back' });
  const response = await patch(saleId, { stock: 8 });
  proxies.gatewayInventory.on('updateSale');
  assert.equal(response.headers.get('location'), `/v1/sales/${saleId}`);
  await assertProblem(response, 504, 'outcome-unknown');
  assert.deepEqual(
    [(await changed(saleId, { stock: 8 })).stock, (await changed(saleId, { stock: 8 })).revision],
    [8, 2],
  );
  await until('the gate has it', async () => (await evidence.gate(saleId)).stock === 8);
});

test('only an admin changes a sale, only one that is there, and only what may change', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  await evidence.atRest();
  const before = await evidence.fingerprint();
  await assertProblem(await patch(saleId, { closed: true }, ''), 401, 'unauthenticated');
  await assertProblem(await patch(saleId, { closed: true }, tokenFor('alice')), 403, 'forbidden');
  await assertProblem(await patch(saleId, { closed: true }, admin, 'text/plain'), 415, 'unsupported-media-type');
  for (const id of [v7(), 'x']) await assertProblem(await patch(id, { closed: true }), 404, 'not-found');
  const bad: [object, string][] = [
    [{}, 'body'],
    [{ revision: 1 }, 'body'],
    [{ stock: 4 }, 'stock'],
    [{ stock: 0 }, 'stock'],
    [{ stock: 10_000_001 }, 'stock'],
    [{ closed: 'yes' }, 'closed'],
    [{ closesAt: '1970-01-01T00:00:00Z' }, 'closesAt'],
    [{ opensAt: 'noon' }, 'opensAt'],
    [{ mode: 'direct' }, 'body'],
    [{ price: { amountMinor: 1, currency: 'EUR' } }, 'body'],
  ];
  for (const [body, field] of bad) {
    const { errors } = await assertProblem(await patch(saleId, body), 400, 'bad-request');
    assert.equal((errors as { field: string }[])[0]?.field, field, JSON.stringify(body));
  }
  assert.deepEqual(await evidence.fingerprint(), before);
});
