// Everything at once: no oversell, units conserved at every instant, and the truth after a broken database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReserveItem } from '@flashsale/contracts/inventory';
import { status, statusOf } from '@flashsale/rpc/client';
import fc from 'fast-check';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openInventory, stockOf, whileRunning } from './inventory.ts';

const inventory = await openInventory(3);
const { open, update, reopen, reserve, confirm, release } = inventory;

test('200 Reserves at once, single and in batches, sell exactly what there is', async () => {
  const sale = await open(150);
  const batches = times(200, (n) => times(n % 4 === 0 ? 5 : 1, () => anOrder(sale)));
  const outcomes = await Promise.all(batches.map(reserveAtLast));
  assert.equal(outcomes.flat().filter((word) => word === 'held').length, 150);
  assert.deepEqual(new Set(outcomes.flat()), new Set(['held', 'sold_out']));
  assert.deepEqual(await stockOf(inventory, sale.id), { available: 0, held: 150, sold: 0 });
  assert.deepEqual(await Promise.all(batches.map(reserveAtLast)), outcomes);
});

/** So many callers may wait for a connection longer than the pool lets them: like every caller, repeat what is unknown. */
async function reserveAtLast(orders: ReserveItem[]): Promise<string[]> {
  try {
    return await reserve(orders);
  } catch (error) {
    assert.equal(statusOf(error), status.INTERNAL);
    return reserveAtLast(orders);
  }
}

type Step = 'reserve' | 'confirm' | 'release';

const take = {
  reserve,
  confirm: (orders: ReserveItem[]) => confirm(orders.map(({ orderId }) => orderId)),
  release,
};

/** Calls with random parts of these orders, so each order comes many times, in any sequence, with any others. */
function randomCalls(orders: ReserveItem[], howMany: number): [Step, ReserveItem[]][] {
  const step = fc.constantFrom<Step[]>('reserve', 'reserve', 'confirm', 'release');
  return fc.sample(fc.tuple(step, fc.subarray(orders, { minLength: 1, maxLength: 12 })), howMany);
}

/** As many callers as the pool has connections: none waits for one, so any error is a real one. */
const LANES = 10;

/** Runs `work` on all, so many at a time. */
async function inLanes<Each>(lanes: number, all: Each[], work: (each: Each) => Promise<void>) {
  const remaining = all.values();
  await Promise.all(
    times(lanes, async () => {
      for (const each of remaining) await work(each);
    }),
  );
}

test('in a storm of repeated and reordered calls units are conserved at every instant and ends are final', async () => {
  const [sale, other] = [await open(40), await open(15)];
  const orders = [...times(80, (n) => anOrder(sale, { quantity: 1 + (n % 3) })), ...times(40, () => anOrder(other))];
  const ended = new Map<string, string>();
  const storm = inLanes(LANES, randomCalls(orders, 400), async ([step, batch]) => {
    const before = new Map(ended);
    const outcomes = await take[step](batch);
    outcomes.forEach((outcome, at) => {
      const { orderId } = batch[at] as ReserveItem;
      const word = outcome === 'sold_out' ? 'refused' : outcome;
      if (before.has(orderId)) assert.equal(word, before.get(orderId));
      if (word === 'refused' || word === 'released') ended.set(orderId, word);
    });
    if (step === 'confirm') await update(sale.id, { addStock: 1 });
  });
  await whileRunning(storm, async () => {
    for (const { id: saleId } of [sale, other]) await stockOf(inventory, saleId);
  });
  assert.ok(ended.size > 0);

  const states = await reserve(orders);
  const units = (saleId: string, state: string) =>
    orders.reduce((sum, order, at) => sum + (order.saleId === saleId && states[at] === state ? order.quantity : 0), 0);
  for (const { id: saleId } of [sale, other]) {
    const { held, sold } = await stockOf(inventory, saleId);
    assert.deepEqual({ held, sold }, { held: units(saleId, 'held'), sold: units(saleId, 'sold') });
  }
});

test('batches that name the same sales and orders in opposite directions never block each other', async () => {
  const sales = await Promise.all(times(4, () => open(1_000)));
  const orders = sales.flatMap((sale) => times(25, () => anOrder(sale)));
  const steps: Step[] = ['reserve', 'confirm', 'release'];
  await inLanes(
    LANES,
    times(40, (n) => n),
    async (n) => {
      await take[steps[n % 3] as Step](n % 2 ? orders : orders.toReversed());
    },
  );
  for (const { id: saleId } of sales) await stockOf(inventory, saleId);
});

test('when the database drops every connection callers get an error, and a repeated call the truth', async () => {
  const sale = await open(100);
  const orders = times(200, () => anOrder(sale));
  const promised = new Set<string>();
  let [calls, failures] = [0, 0];
  const buying = inLanes(20, [...orders, ...orders, ...orders], async (order) => {
    calls += 1;
    try {
      if ((await reserve([order]))[0] === 'held') promised.add(order.orderId);
    } catch (error) {
      assert.ok([status.INTERNAL, status.UNAVAILABLE].includes(statusOf(error) as status));
      failures += 1;
    }
  });
  await until('calls have failed', async () => {
    await inventory.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    return failures >= 5 || calls === 3 * orders.length;
  });
  await buying;
  assert.ok(failures > 0);

  const outcomes = await reserve(orders);
  orders.forEach(({ orderId }, at) => {
    if (promised.has(orderId)) assert.equal(outcomes[at], 'held');
  });
  assert.equal(outcomes.filter((word) => word === 'held').length, 100);
  assert.deepEqual(await stockOf(inventory, sale.id), { available: 0, held: 100, sold: 0 });
  assert.equal((await reopen(sale.id, 1)).reservations.length, 100);
});
