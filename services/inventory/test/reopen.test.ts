// Reopen: one gate after another, and a snapshot that is right while everything moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status, statusOf } from '@flashsale/rpc/client';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { lock, lockSales, openInventory, stockOf, whileRunning } from './inventory.ts';

const inventory = await openInventory(3);
const { create, open, get, update, reserve, confirm, release, reopen } = inventory;

test('Reopen returns the sale in its new epoch with each held and each sold reservation', async () => {
  const sale = await open(10);
  const [held, sold, released, refused] = [
    anOrder(sale, { quantity: 2 }),
    anOrder(sale, { quantity: 3 }),
    anOrder(sale, { quantity: 1 }),
    anOrder(sale, { quantity: 9 }),
  ];
  await reserve([held, sold, released, refused]);
  await confirm([sold.orderId]);
  await release([released]);
  const reopened = await reopen(sale.id, 1);
  assert.deepEqual(reopened.sale, { ...sale, epoch: 2, available: 5, held: 2, sold: 3 });
  assert.deepEqual(await get(sale.id), reopened.sale);
  const expected = [held, sold].map(({ orderId, buyerId, quantity }) => ({ orderId, buyerId, quantity }));
  const byOrder = (one: { orderId: string }, other: { orderId: string }) => (one.orderId < other.orderId ? -1 : 1);
  assert.deepEqual(reopened.reservations.toSorted(byOrder), expected.toSorted(byOrder));
});

test('of ten Reopens at once one wins and nine are ABORTED', async () => {
  const sale = await create();
  const outcomes = await Promise.allSettled(times(10, () => reopen(sale.id, 0)));
  const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.deepEqual(
    lost.map(({ reason }) => statusOf(reason)),
    times(9, () => status.ABORTED),
  );
  assert.equal((await get(sale.id)).epoch, 1);
  await assert.rejects(reopen(sale.id, 5), (error) => statusOf(error) === status.ABORTED);
});

test('a worker that holds an order across a Reopen is refused in the transaction that would take the unit', async (t) => {
  const sale = await open(1);
  const order = anOrder(sale);
  const unlock = await lockSales(t, inventory, [sale.id]);
  const reopened = reopen(sale.id, 1);
  await until('one waits', async () => (await inventory.waiting()) === 1);
  const outcome = reserve([order]);
  await until('two wait', async () => (await inventory.waiting()) === 2);
  await unlock();

  assert.deepEqual((await reopened).reservations, []);
  assert.deepEqual(await outcome, ['stale_epoch']);
  assert.deepEqual(await reserve([order]), ['stale_epoch']);
  assert.deepEqual(await reserve([{ ...order, epoch: 2 }]), ['stale_epoch']);
  assert.deepEqual(await stockOf(inventory, sale.id), { available: 1, held: 0, sold: 0 });
});

test('each snapshot agrees with its counters while orders are reserved, confirmed and released', async () => {
  const sale = await open(60);
  let epoch = 1;
  const reopening = (async () => {
    for (const _ of times(30, () => 0)) {
      const { sale: now, reservations } = await reopen(sale.id, epoch);
      epoch += 1;
      const units = reservations.reduce((sum, { quantity }) => sum + quantity, 0);
      assert.deepEqual([now?.epoch, now && now.available + units], [epoch, 60]);
      await stockOf(inventory, sale.id);
    }
  })();
  const buying = times(4, () =>
    whileRunning(reopening, async () => {
      const orders = times(5, () => anOrder({ ...sale, epoch }));
      await reserve(orders);
      await Promise.all([confirm(orders.slice(0, 3).map(({ orderId }) => orderId)), release(orders.slice(2))]);
      await release(orders.slice(1));
    }),
  );
  await Promise.all(buying);
});

test('a Reopen holds the sale until its snapshot is taken, and not longer', async (t) => {
  const sale = await open(5);
  await reserve([anOrder(sale)]);
  // The compare-and-set goes through; the snapshot waits for its table.
  const unlock = await lock(t, inventory, 'LOCK TABLE reservations IN ACCESS EXCLUSIVE MODE');
  const reopened = reopen(sale.id, 1);
  await until('one waits', async () => (await inventory.waiting()) === 1);
  let changed = false;
  const changing = update(sale.id, { addStock: 1 }).finally(() => {
    changed = true;
  });
  await until('the change waits, or is made', async () => changed || (await inventory.waiting()) === 2);
  assert.equal(changed, false);
  await unlock();
  const { sale: then, reservations } = await reopened;
  assert.deepEqual([then?.epoch, then?.stock, reservations.length], [2, 5, 1]);
  assert.equal((await changing).stock, 6);
});

test('reservations come in pages of at most a thousand, each of them once', async () => {
  const sale = await open(2_500);
  for (const _ of times(5, () => 0)) await reserve(times(500, () => anOrder(sale)));
  const { sale: now, pages, reservations } = await reopen(sale.id, 1);
  assert.deepEqual([now?.available, now?.held], [0, 2_500]);
  assert.deepEqual(
    pages.map(({ length }) => length),
    [1_000, 1_000, 500],
  );
  assert.equal(new Set(reservations.map(({ orderId }) => orderId)).size, 2_500);
});

test('the new epoch is later than the sale’s and than its gate’s, whichever is ahead', async () => {
  const sale = await open(1);
  assert.equal((await reopen(sale.id, 1, 7)).sale?.epoch, 8);
  assert.equal((await reopen(sale.id, 8, 3)).sale?.epoch, 9);
  assert.deepEqual(
    await reserve([
      { ...anOrder(sale), epoch: 8 },
      { ...anOrder(sale), epoch: 9 },
    ]),
    ['stale_epoch', 'held'],
  );
});

test('a sale that was reopened a moment ago is not reopened again, and nothing happens; its first opening never waits', async (t) => {
  const damping = await openInventory(1, { REOPEN_DAMPING_MS: 3_600_000 }, t);
  const reopenedAgo = (age: string) =>
    damping.database.query('UPDATE sales SET reopened_at = now() - $1::interval', [age]);
  const { id: saleId } = await damping.create();
  await reopenedAgo('1 second');
  assert.equal((await damping.reopen(saleId, 0)).sale?.epoch, 1);
  for (const age of ['0 seconds', '59 minutes']) {
    await reopenedAgo(age);
    await assert.rejects(damping.reopen(saleId, 1), (error: Error) => {
      assert.equal(statusOf(error), status.ABORTED);
      assert.match(error.message, /reopened a moment ago/);
      return true;
    });
  }
  assert.equal((await damping.get(saleId)).epoch, 1);
  await reopenedAgo('61 minutes');
  assert.equal((await damping.reopen(saleId, 1)).sale?.epoch, 2);
  await assert.rejects(damping.reopen(saleId, 2), (error) => statusOf(error) === status.ABORTED);
});

test('four Reopens run at once; a fifth is RESOURCE_EXHAUSTED before it does anything, until one of them has ended', async (t) => {
  const single = await openInventory(1, {}, t);
  const [fifth, ...four] = await Promise.all(times(5, () => single.create()));
  assert.ok(fifth);
  const saleIds = four.map(({ id: saleId }) => saleId);
  const unlock = await lockSales(t, single, saleIds);
  const reopened = Promise.all(four.map(({ id: saleId }) => single.reopen(saleId, 0)));
  await until('four wait', async () => (await single.waiting()) === 4);
  await assert.rejects(single.reopen(fifth.id, 0), (error) => statusOf(error) === status.RESOURCE_EXHAUSTED);
  assert.equal((await single.get(fifth.id)).epoch, 0);
  // Its connections are its own: orders are taken meanwhile.
  assert.deepEqual(await single.reserve([anOrder({ id: fifth.id, epoch: 1 })]), ['stale_epoch']);
  await unlock();
  await reopened;
  for (const { id: saleId } of [fifth, ...four]) await single.reopen(saleId, (await single.get(saleId)).epoch);
});

test('a Reopen whose database fails, or that is lost, leaves its place to the next', async (t) => {
  const single = await openInventory(1, {}, t);
  const sale = await single.open(1);
  for (const _ of times(5, () => 0))
    await assert.rejects(single.reopen(sale.id, 9), (error) => statusOf(error) === status.ABORTED);
  for (const _ of times(5, () => 0))
    await assert.rejects(single.reopen(sale.id, 1, 2 ** 31 - 1), (error) => statusOf(error) === status.INTERNAL);
  assert.equal((await single.reopen(sale.id, 1)).sale?.epoch, 2);
});
