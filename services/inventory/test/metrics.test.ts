import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrape } from '../../../infra/testbed/metrics.ts';
import { anOrder } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openInventory } from './inventory.ts';

const inventory = await openInventory();
const OUTCOMES = ['held', 'sold', 'released', 'sold_out', 'stale_epoch', 'unknown_sale'];
const STATES = ['available', 'held', 'sold'];

const unitsAre = (available: number, held: number, sold: number) =>
  until(`${available} are available, ${held} held, ${sold} sold`, async () => {
    const { sample } = await scrape(inventory.ops);
    return String(STATES.map((state) => sample('inventory_units', { state }))) === `${available},${held},${sold}`;
  });

test('every series is there from the start, with 0', async () => {
  const { sample } = await scrape(inventory.ops);
  for (const outcome of OUTCOMES) assert.equal(sample('inventory_reserve_outcomes_total', { outcome }), 0, outcome);
  for (const state of STATES) assert.equal(sample('inventory_units', { state }), 0, state);
});

test('outcomes of Reserve are counted, and units of open sales move from state to state', async () => {
  const [sale, other] = [await inventory.open(2), await inventory.open(5)];
  const [sold, held] = [anOrder(sale), anOrder(sale)];
  await inventory.reserve([sold, held, anOrder(sale)]);
  await inventory.confirm([sold.orderId]);
  await unitsAre(5, 1, 1);
  await inventory.release([held]);
  await unitsAre(6, 0, 1);
  await inventory.update(other.id, { closed: true });
  await unitsAre(1, 0, 1);

  const { page, sample } = await scrape(inventory.ops);
  assert.equal(sample('inventory_reserve_outcomes_total', { outcome: 'held' }), 2);
  assert.equal(sample('inventory_reserve_outcomes_total', { outcome: 'sold_out' }), 1);
  for (const id of [sale.id, held.orderId, held.buyerId]) assert.ok(!page.includes(id), id);
});
