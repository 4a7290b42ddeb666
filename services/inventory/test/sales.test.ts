// Sales: created once, changed and read.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { status, statusOf } from '@flashsale/rpc/client';
import { anOrder, aSale, times } from '../../../infra/testbed/samples.ts';
import { openInventory, stockOf } from './inventory.ts';

const inventory = await openInventory();
const { create, open, get, list, update, reserve, confirm } = inventory;

const failsWith = (code: status, message: RegExp) => (error: Error) => {
  assert.equal(statusOf(error), code);
  assert.match(error.message, message);
  return true;
};

test('a sale is created with all its stock available, in no epoch, and read back in full', async () => {
  const requested = { ...aSale(), stock: 7, available: 3, held: 2, sold: 2, epoch: 9, revision: 9 };
  const sale = await create(requested);
  assert.deepEqual(sale, { ...requested, available: 7, held: 0, sold: 0, epoch: 0, revision: 1 });
  assert.deepEqual(await get(sale.id), sale);
});

test('a sale may hold units for a while, a second at least and a day at most', async () => {
  for (const holdSeconds of [1, 86_400]) {
    const { id: saleId, checkout, holdSeconds: held } = await create({ checkout: 'hold', holdSeconds });
    assert.deepEqual([checkout, held], ['hold', holdSeconds]);
    assert.equal((await update(saleId, { addStock: 1 })).holdSeconds, holdSeconds);
  }
});

test('creating a sale again returns the one that is there, ten times at once too', async () => {
  const requested = aSale();
  const sales = await Promise.all(times(10, (n) => create({ ...requested, title: `offer ${n}`, stock: 10 + n })));
  for (const sale of sales) assert.deepEqual(sale, sales[0]);
  assert.deepEqual(await create({ ...requested, title: 'another' }), sales[0]);
});

test('an id is the same in capital letters', async () => {
  const sale = await open(1);
  assert.deepEqual(await get(sale.id.toUpperCase()), sale);
  const order = anOrder(sale);
  assert.deepEqual(await reserve([order]), ['held']);
  assert.deepEqual(await reserve([{ ...order, orderId: order.orderId.toUpperCase() }]), ['held']);
  assert.deepEqual(await confirm([order.orderId.toUpperCase()]), ['sold']);
});

test('a sale that does not exist is NOT_FOUND in each call', async () => {
  const unknown = randomUUID();
  for (const act of [() => get(unknown), () => update(unknown, { addStock: 1 }), () => inventory.reopen(unknown, 0)])
    await assert.rejects(act, failsWith(status.NOT_FOUND, new RegExp(unknown)));
});

test('sales are listed newest first', async () => {
  const older = await create();
  const newer = await create();
  const ids = (await list()).map(({ id: saleId }) => saleId);
  assert.deepEqual(ids.slice(0, 2), [newer.id, older.id]);
});

test('stock is added to what is available, and absolute values and a revision are returned', async () => {
  const sale = await open(10);
  await reserve([anOrder(sale, { quantity: 4 })]);
  const topped = await update(sale.id, { addStock: 5 });
  assert.deepEqual(topped, { ...sale, stock: 15, available: 11, held: 4, revision: 2 });
  assert.deepEqual(await get(sale.id), topped);
});

test('top-ups at once all count, each with a revision of its own', async () => {
  const sale = await open(1);
  const topped = await Promise.all(times(10, () => update(sale.id, { addStock: 3 })));
  assert.deepEqual(new Set(topped.map(({ revision }) => revision)), new Set(times(10, (n) => n + 2)));
  for (const { stock, revision } of topped) assert.equal(stock, 1 + 3 * (revision - 1));
  assert.deepEqual(await stockOf(inventory, sale.id), { available: 31, held: 0, sold: 0 });
});

test('a change made for a revision that is gone is ABORTED, so a repeated top-up adds nothing', async () => {
  const sale = await open(10);
  const topUp = () => update(sale.id, { addStock: 5, expectedRevision: sale.revision });
  const [kept, repeated] = await Promise.allSettled([topUp(), topUp()]);
  assert.deepEqual([kept.status, repeated.status].sort(), ['fulfilled', 'rejected']);
  await assert.rejects(topUp, failsWith(status.ABORTED, /revision 1/));
  assert.equal((await get(sale.id)).stock, 15);
});

test('a sale is closed, opened again and moved', async () => {
  const sale = await create();
  assert.deepEqual(await update(sale.id, { closed: true }), { ...sale, closed: true, revision: 2 });
  assert.deepEqual(await update(sale.id, { closed: false }), { ...sale, revision: 3 });
  const moved = { opensAtMs: sale.opensAtMs + 60_000, closesAtMs: sale.closesAtMs + 60_000 };
  assert.deepEqual(await update(sale.id, moved), { ...sale, ...moved, revision: 4 });
});

test('a closed sale outside its window still reserves what its gate let in', async () => {
  const sale = await open(1);
  await update(sale.id, { closed: true, opensAtMs: 1, closesAtMs: 2 });
  assert.deepEqual(await reserve([anOrder(sale)]), ['held']);
});

test('a change that cannot be leaves the sale as it was', async () => {
  const sale = await create();
  const cannot: [Parameters<typeof update>[1], RegExp][] = [
    [{}, /add_stock, closed, opens_at_ms, closes_at_ms: nothing would change/],
    [{ closed: false, opensAtMs: sale.opensAtMs }, /nothing would change/],
    [{ addStock: -1 }, /add_stock/],
    [{ addStock: 2 ** 31 - 1 }, /add_stock/],
    [{ opensAtMs: sale.closesAtMs }, /closes_at_ms/],
    [{ closesAtMs: sale.opensAtMs }, /closes_at_ms/],
    [{ closesAtMs: -1 }, /closes_at_ms/],
  ];
  for (const [change, message] of cannot)
    await assert.rejects(update(sale.id, change), failsWith(status.INVALID_ARGUMENT, message));
  assert.deepEqual(await get(sale.id), sale);
});
