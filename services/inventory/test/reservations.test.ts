// Reserve, Confirm, Release: the outcomes of each, and what is remembered.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { reservationState } from '@flashsale/contracts/fields';
import { call } from '@flashsale/rpc/client';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { lock, lockSales, openInventory, stockOf } from './inventory.ts';

const inventory = await openInventory(2);
const { create, open, reserve, confirm, release, reopen } = inventory;
const stock = (saleId: string) => stockOf(inventory, saleId);

test('an order is held, then sold, and a repetition of either call changes nothing', async () => {
  const sale = await open(5);
  const order = anOrder(sale, { quantity: 2 });
  assert.deepEqual(await reserve([order]), ['held']);
  assert.deepEqual(await reserve([order]), ['held']);
  assert.deepEqual(await stock(sale.id), { available: 3, held: 2, sold: 0 });
  assert.deepEqual(await confirm([order.orderId]), ['sold']);
  assert.deepEqual(await confirm([order.orderId]), ['sold']);
  assert.deepEqual(await reserve([order]), ['sold']);
  assert.deepEqual(await stock(sale.id), { available: 3, held: 0, sold: 2 });
});

test('an outcome has the amount to charge and the terms, whatever it is and each time', async () => {
  const terms = { checkout: 'hold', holdSeconds: 90, decideWithinSeconds: 300 };
  const sale = await open(5, terms);
  const [held, sold, released] = [anOrder(sale), anOrder(sale, { quantity: 3 }), anOrder(sale)];
  const [scarce, stale] = [anOrder(sale, { quantity: 9 }), { ...anOrder(sale), epoch: 7 }];
  await reserve([held, sold, released, scarce, stale]);
  await confirm([sold.orderId]);
  await release([released]);
  const unknown = { ...anOrder(sale), saleId: randomUUID() };
  const requested = [held, sold, released, scarce, stale, unknown, anOrder(sale)];
  for (const _ of times(2, () => 0)) {
    const { outcomes } = await call(
      inventory.client,
      inventory.client.reserve,
      { items: requested },
      { deadlineMs: 30_000 },
    );
    const found = outcomes.map(({ state, reason }) => reason || reservationState.fromWire(state));
    assert.deepEqual(found, ['held', 'sold', 'released', 'sold_out', 'stale_epoch', 'unknown_sale', 'held']);
    for (const [at, { amount, checkout, holdSeconds, decideWithinSeconds }] of outcomes.entries()) {
      const isKnown = requested[at] !== unknown;
      const amountMinor = 1_000 * (requested[at]?.quantity ?? 0);
      assert.deepEqual(amount, isKnown ? { amountMinor, currency: 'EUR' } : undefined);
      const none = { checkout: '', holdSeconds: 0, decideWithinSeconds: 0 };
      assert.deepEqual({ checkout, holdSeconds, decideWithinSeconds }, isKnown ? terms : none);
    }
  }
});

test('a batch is served in the sequence of the request, and each item has its own outcome', async () => {
  const [sale, other] = [await open(5), await open(1)];
  const orders = [
    anOrder(sale, { quantity: 3 }),
    anOrder(other, { quantity: 1 }),
    anOrder(sale, { quantity: 3 }),
    { ...anOrder(sale, { quantity: 1 }), epoch: 9 },
    { ...anOrder(sale, { quantity: 1 }), saleId: randomUUID() },
    anOrder(sale, { quantity: 2 }),
    anOrder(other, { quantity: 1 }),
  ];
  const outcomes = ['held', 'held', 'sold_out', 'stale_epoch', 'unknown_sale', 'held', 'sold_out'];
  assert.deepEqual(await reserve(orders), outcomes);
  assert.deepEqual(await reserve(orders.toReversed()), outcomes.toReversed());
  assert.deepEqual(await stock(sale.id), { available: 0, held: 5, sold: 0 });
  assert.deepEqual(await stock(other.id), { available: 0, held: 1, sold: 0 });
});

test('a batch does not wait for one sale before it turns to the next', async (t) => {
  const sales = await Promise.all(times(4, () => open(1)));
  const orders = sales.map((sale) => anOrder(sale));
  const unlock = await lockSales(t, inventory, [sales[0]?.id ?? '']);
  const outcome = reserve(orders);
  for (const { id: saleId } of sales.slice(1))
    await until('it is held', async () => (await inventory.get(saleId)).held === 1);
  assert.equal((await inventory.get(sales[0]?.id ?? '')).held, 0);
  await unlock();
  assert.deepEqual(await outcome, ['held', 'held', 'held', 'held']);
});

test('an order twice in one batch is one decision, returned twice', async () => {
  const sale = await open(1);
  const order = anOrder(sale);
  assert.deepEqual(await reserve([order, order]), ['held', 'held']);
  assert.deepEqual(await confirm([order.orderId, order.orderId]), ['sold', 'sold']);
  assert.deepEqual(await release([order, order]), ['released', 'released']);
  assert.deepEqual(await stock(sale.id), { available: 1, held: 0, sold: 0 });
});

test('an empty batch has no outcomes', async () => {
  assert.deepEqual([await reserve([]), await confirm([]), await release([])], [[], [], []]);
});

test('a refused order stays refused although a unit came back', async () => {
  const sale = await open(1);
  const [first, second] = [anOrder(sale), anOrder(sale)];
  assert.deepEqual(await reserve([first, second]), ['held', 'sold_out']);
  assert.deepEqual(await release([first]), ['released']);
  assert.deepEqual(await reserve([second]), ['sold_out']);
  assert.deepEqual(await confirm([second.orderId]), ['refused']);
  assert.deepEqual(await release([second]), ['refused']);
  assert.deepEqual(await stock(sale.id), { available: 1, held: 0, sold: 0 });
});

test('an order of an unknown sale stays refused when the sale comes', async () => {
  const order = anOrder({ id: randomUUID(), epoch: 1 });
  assert.deepEqual(await reserve([order]), ['unknown_sale']);
  await create({ id: order.saleId });
  await reopen(order.saleId, 0);
  assert.deepEqual(await reserve([order]), ['unknown_sale']);
  assert.deepEqual(await reserve([anOrder({ id: order.saleId, epoch: 1 })]), ['held']);
});

test('an order of another epoch takes nothing and stays refused in every epoch', async () => {
  const sale = await open(1);
  const order = { ...anOrder(sale), epoch: sale.epoch + 1 };
  assert.deepEqual(await reserve([order]), ['stale_epoch']);
  await reopen(sale.id, sale.epoch);
  assert.deepEqual(await reserve([order]), ['stale_epoch']);
  assert.deepEqual(await stock(sale.id), { available: 1, held: 0, sold: 0 });
});

test('a unit comes back once, whether it was held or sold', async () => {
  const sale = await open(4);
  const orders = [anOrder(sale, { quantity: 2 }), anOrder(sale, { quantity: 2 })];
  await reserve(orders);
  await confirm(orders.slice(0, 1).map(({ orderId }) => orderId));
  assert.deepEqual(await stock(sale.id), { available: 0, held: 2, sold: 2 });
  assert.deepEqual(await release(orders), ['released', 'released']);
  assert.deepEqual(await release(orders), ['released', 'released']);
  await Promise.all(times(10, () => release(orders)));
  assert.deepEqual(await stock(sale.id), { available: 4, held: 0, sold: 0 });
});

test('a Reserve after the Release stays released', async () => {
  const sale = await open(1);
  const order = anOrder(sale);
  await reserve([order]);
  await release([order]);
  assert.deepEqual(await reserve([order]), ['released']);
  assert.deepEqual(await confirm([order.orderId]), ['released']);
  assert.deepEqual(await stock(sale.id), { available: 1, held: 0, sold: 0 });
});

test('a Release without a Reserve leaves a tombstone that refuses the late Reserve', async () => {
  const sale = await open(1);
  const order = anOrder(sale);
  assert.deepEqual(await release([order]), ['released']);
  assert.deepEqual(await reserve([order]), ['released']);
  assert.deepEqual(await stock(sale.id), { available: 1, held: 0, sold: 0 });
  const { rows } = await inventory.database.query('SELECT * FROM reservations WHERE order_id = $1', [order.orderId]);
  assert.deepEqual([rows.length, rows[0].state, rows[0].buyer_id], [1, 'released', order.buyerId]);
});

test('a Release knows the sale of its order better than its caller does', async () => {
  const [sale, other] = [await open(1), await open(1)];
  const order = anOrder(sale);
  await reserve([order]);
  assert.deepEqual(await release([{ ...order, saleId: other.id, quantity: 9 }]), ['released']);
  assert.deepEqual(await stock(sale.id), { available: 1, held: 0, sold: 0 });
  assert.deepEqual(await stock(other.id), { available: 1, held: 0, sold: 0 });
});

test('a Confirm of an order never reserved is absent and writes nothing', async () => {
  const sale = await open(1);
  const order = anOrder(sale);
  assert.deepEqual(await confirm([order.orderId]), ['absent']);
  assert.deepEqual(await reserve([order]), ['held']);
  assert.deepEqual(await confirm([randomUUID(), order.orderId]), ['absent', 'sold']);
});

test('calls that meet on orders of an unknown sale all get the one outcome that is remembered', async () => {
  for (const _ of times(3, () => 0)) {
    const nowhere = { id: randomUUID(), epoch: 1 };
    const orders = times(100, () => anOrder(nowhere));
    const [one, other, again, released] = await Promise.all([
      reserve(orders),
      reserve(orders.toReversed()),
      reserve(orders),
      release(orders.toReversed()),
    ]);
    const remembered = await reserve(orders);
    assert.deepEqual([one, other.reverse(), again], [remembered, remembered, remembered]);
    const asReleaseSays = remembered.map((word) => (word === 'unknown_sale' ? 'refused' : word));
    assert.deepEqual(released.reverse(), asReleaseSays);
  }
});

test('batches that insert the same orders in opposite directions do not block each other', async (t) => {
  const nowhere = { id: randomUUID(), epoch: 1 };
  const orders = times(3, (n) => ({ ...anOrder(nowhere), orderId: randomUUID().replace(/^./, `${n}`) }));
  const values = [orders[1]?.orderId, randomUUID()];
  const unlock = await lock(t, inventory, "INSERT INTO reservations VALUES ($1, $2, 'b', 1, 'released')", values);
  const one = reserve(orders);
  await until('one waits', async () => (await inventory.waiting()) === 1);
  const other = reserve(orders.toReversed());
  await until('two wait', async () => (await inventory.waiting()) === 2);
  await unlock();
  const refused = times(3, () => 'unknown_sale');
  assert.deepEqual([await one, await other], [refused, refused]);
});
