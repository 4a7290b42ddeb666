// Reopen: one gate after another, and a snapshot that is right while everything moves.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { status, statusOf } from '@flashsale/rpc/client';
import { anOrder, openInventory, stockOf, times, until, whileRunning } from './inventory.ts';

const inventory = await openInventory(3);
after(() => inventory.close());
const { create, open, get, reserve, confirm, release, reopen } = inventory;

test('Reopen answers the sale in its new epoch with each held and each sold reservation', async () => {
  const sale = await open(10);
  const [held, sold, released, refused] = [anOrder(sale, 2), anOrder(sale, 3), anOrder(sale, 1), anOrder(sale, 9)];
  await reserve([held, sold, released, refused]);
  await confirm([sold.orderId]);
  await release([released]);
  const reopened = await reopen(sale.saleId, 1);
  assert.deepEqual(reopened.sale, { ...sale, epoch: 2, available: 5, held: 2, sold: 3 });
  assert.deepEqual(await get(sale.saleId), reopened.sale);
  const expected = [held, sold].map(({ orderId, buyerId, quantity }) => ({ orderId, buyerId, quantity }));
  const byOrder = (one: { orderId: string }, other: { orderId: string }) => (one.orderId < other.orderId ? -1 : 1);
  assert.deepEqual(reopened.reservations.toSorted(byOrder), expected.toSorted(byOrder));
});

test('of ten Reopens at once one wins and nine are ABORTED', async () => {
  const sale = await create();
  const answers = await Promise.allSettled(times(10, () => reopen(sale.saleId, 0)));
  const lost = answers.filter((answer) => answer.status === 'rejected');
  assert.deepEqual(
    lost.map(({ reason }) => statusOf(reason)),
    times(9, () => status.ABORTED),
  );
  assert.equal((await get(sale.saleId)).epoch, 1);
  await assert.rejects(reopen(sale.saleId, 5), (error) => statusOf(error) === status.ABORTED);
});

test('a worker that holds an order across a Reopen is refused in the transaction that would take the unit', async () => {
  const sale = await open(1);
  const order = anOrder(sale);
  const blocker = await inventory.database.connect();
  await blocker.query('BEGIN');
  await blocker.query('SELECT 1 FROM sales WHERE id = $1 FOR UPDATE', [sale.saleId]);
  const reopened = reopen(sale.saleId, 1);
  await until(async () => (await inventory.waiting()) === 1);
  const answer = reserve([order]);
  await until(async () => (await inventory.waiting()) === 2);
  await blocker.query('COMMIT');
  blocker.release();

  assert.deepEqual((await reopened).reservations, []);
  assert.deepEqual(await answer, ['stale_epoch']);
  assert.deepEqual(await reserve([order]), ['stale_epoch']);
  assert.deepEqual(await reserve([{ ...order, epoch: 2 }]), ['stale_epoch']);
  assert.deepEqual(await stockOf(inventory, sale.saleId), { available: 1, held: 0, sold: 0 });
});

test('each snapshot agrees with its counters while orders are reserved, confirmed and released', async () => {
  const sale = await open(60);
  let epoch = 1;
  const reopening = (async () => {
    for (const _ of times(30, () => 0)) {
      const { sale: now, reservations } = await reopen(sale.saleId, epoch);
      epoch += 1;
      const units = reservations.reduce((sum, { quantity }) => sum + quantity, 0);
      assert.deepEqual([now?.epoch, now && now.available + units], [epoch, 60]);
      await stockOf(inventory, sale.saleId);
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

test('twenty thousand reservations are answered in one piece', async () => {
  const sale = await open(20_000);
  for (const _ of times(20, () => 0)) await reserve(times(1_000, () => anOrder(sale)));
  const { sale: now, reservations } = await reopen(sale.saleId, 1);
  assert.deepEqual([now?.available, now?.held], [0, 20_000]);
  assert.equal(new Set(reservations.map(({ orderId }) => orderId)).size, 20_000);
});
